'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');

const root = path.join(__dirname, '..');

for (const job of ['do-something', 'do-often']) {
  test(`${job} runs by the command of jobs.yaml`, () => {
    const output = execFileSync(process.execPath, [`app/jobs/${job}`], { cwd: root, encoding: 'utf8' });
    assert.match(output, new RegExp(`${job} is done`));
  });
}

test('the service answers', async () => {
  const { start } = require('../app/server');
  const server = start(0);
  try {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/totals`);
    assert.deepEqual(await response.json(), { ada: 2249, grace: 4500 });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
