'use strict';

// What the service and its jobs share. A real service would read a database here.
const orders = [
  { id: 1, customer: 'ada', cents: 1999, paid: true },
  { id: 2, customer: 'grace', cents: 4500, paid: false },
  { id: 3, customer: 'ada', cents: 250, paid: false },
];

function unpaid() {
  return orders.filter((order) => !order.paid);
}

function totals() {
  const byCustomer = {};
  for (const { customer, cents } of orders) byCustomer[customer] = (byCustomer[customer] ?? 0) + cents;
  return byCustomer;
}

module.exports = { orders, totals, unpaid };
