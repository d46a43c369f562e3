// Loaded by VS Code's own extension host: runs the tests of this folder with mocha, and writes one
// line of JSON for each into the file that SMQ_REPORT names.
const { appendFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

exports.run = async () => {
  const { default: Mocha } = await import('mocha');
  const report = (line) => appendFileSync(process.env.SMQ_REPORT, `${JSON.stringify(line)}\n`);
  class Reporter {
    constructor(runner) {
      runner.on('pass', (test) => report({ chapter: 'inside', step: test.title, ok: true, seconds: test.duration / 1000 }));
      runner.on('fail', (test, error) => report({ chapter: 'inside', step: test.title, ok: false, seen: error.stack }));
    }
  }
  const mocha = new Mocha({ ui: 'tdd', timeout: 60_000, reporter: Reporter });
  for (const name of readdirSync(__dirname)) if (name.endsWith('.test.cjs')) mocha.addFile(join(__dirname, name));
  await new Promise((done, failed) => mocha.run((failures) => (failures ? failed(new Error(`${failures} tests failed`)) : done())));
};
