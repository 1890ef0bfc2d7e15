'use strict';

// The service itself: this is what the image's CMD starts, and what a job's command replaces.
const http = require('node:http');
const { orders, totals } = require('./orders');

const routes = { '/health': () => ({ ok: true }), '/orders': () => orders, '/totals': totals };

const server = http.createServer((request, response) => {
  const route = request.method === 'GET' && Object.hasOwn(routes, request.url) ? routes[request.url] : null;
  const body = JSON.stringify(route ? route() : { error: 'not found' });
  response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
  response.end(body);
});

function start(port = Number(process.env.PORT ?? 8080)) {
  return server.listen(port, () => console.log(`my-service listens on port ${server.address().port}`));
}

if (require.main === module) {
  start();
  // As PID 1 in a container a process gets no default action for SIGTERM: without this, stopping takes ten seconds.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close(() => process.exit(0)));
}

module.exports = { start };
