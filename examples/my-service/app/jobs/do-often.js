'use strict';

// The job of every ten minutes: reminds of what isn't paid. Safe to run twice, as every recurring job should be.
const { unpaid } = require('../orders');

function main() {
  const reminders = unpaid();
  for (const { id, customer } of reminders) console.log(`order ${id}: would remind ${customer}`);
  console.log(`do-often is done: ${reminders.length} reminders`);
}

main();
