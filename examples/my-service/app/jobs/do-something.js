'use strict';

// The daily job: totals per customer. An exception ends node with exit code 1, by which Batch knows that it failed.
const { totals } = require('../orders');

function main() {
  const started = process.hrtime.bigint();
  console.log(`do-something starts, job ${process.env.AWS_BATCH_JOB_ID ?? '(not in Batch)'}`);
  const byCustomer = totals();
  for (const [customer, cents] of Object.entries(byCustomer)) {
    console.log(`${customer}: ${(cents / 100).toFixed(2)}`);
  }
  const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
  console.log(`do-something is done: ${Object.keys(byCustomer).length} customers in ${milliseconds.toFixed(1)} ms`);
}

main();
