// One command to the .vsix: bundle, build the server's wheel that it installs, and pack.
//   node scripts/package.mjs [OUTPUT.vsix]
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const output = path.resolve(process.argv[2] ?? path.join(here, 'smq.vsix'));
process.chdir(here);

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error || status !== 0) {
    console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
    process.exit(1);
  }
}

run(process.execPath, 'scripts/manifest.mjs', '--check');
run(process.execPath, 'scripts/build.mjs');

// The wheel makes extension and server of one version, whatever a registry has under that name.
const python = process.env.PYTHON ?? ['../../.venv/bin/python', '../../.venv/Scripts/python.exe'].find(existsSync) ?? 'python3';
rmSync('bundled', { recursive: true, force: true });
mkdirSync('bundled');
run(python, '-m', 'pip', 'wheel', '--quiet', '--disable-pip-version-check', '--no-deps', '--wheel-dir', 'bundled', '../..');

// The page shows its picture wherever it is read, also where nothing outside can be reached.
const readme = readFileSync('README.md', 'utf8').replace(/\]\((\.\.\/[^)]+\.png)\)/g, (_, file) => `](data:image/png;base64,${readFileSync(file, 'base64')})`);
writeFileSync('dist/README.md', readme);
copyFileSync('../../CHANGELOG.md', 'dist/CHANGELOG.md');

run(process.execPath, 'node_modules/@vscode/vsce/vsce', 'package', '--no-dependencies', '--allow-missing-repository',
  '--readme-path', 'dist/README.md', '--changelog-path', 'dist/CHANGELOG.md', '--no-rewrite-relative-links',
  '--no-git-tag-version', '--no-update-package-json', '--out', output);
