// The extension in a real window, by keys: what a person does and what they then see.
//   node workbench/story.mjs EXTENSION.vsix PICTURES [CHAPTER…]
//   node workbench/story.mjs --list
// One line of JSON for each step, then one for the whole; pictures of every step.
import { chapters as accessibility } from './chapters/accessibility.mjs';
import { chapters as comparing } from './chapters/comparing.mjs';
import { chapters as day } from './chapters/day.mjs';
import { chapters as first } from './chapters/first.mjs';
import { chapters as generation } from './chapters/generation.mjs';
import { chapters as inside } from './chapters/inside.mjs';
import { chapters as trouble } from './chapters/trouble.mjs';
import { chapters as workspaces } from './chapters/workspaces.mjs';
import { shots, vsix } from './scene.mjs';
import { missing } from './workbench.mjs';

/** Chapters have a window each; their steps build on each other. */
const chapters = { ...inside, ...first, ...day, ...comparing, ...generation, ...workspaces, ...accessibility, ...trouble };
const out = (value) => console.log(JSON.stringify(value));

if (vsix === '--list') {
  out(Object.keys(chapters));
  process.exit(0);
}
const wanted = process.argv.slice(4);
if (process.argv.length < 4) {
  console.error('usage: story.mjs EXTENSION.vsix PICTURES [CHAPTER…], or --list');
  process.exit(2);
}
const lack = missing();
if (lack) {
  out({ missing: lack });
  process.exit(3);
}

let failed = 0;
for (const [chapter, play] of Object.entries(chapters)) {
  if (wanted.length > 0 && !wanted.includes(chapter)) continue;
  let number = 0;
  let broken = false;
  const report = (line) => {
    out({ chapter, ...line });
    if (!line.ok) failed++;
  };
  const tell = async (step, bench, act) => {
    const name = `${chapter} ${String(++number).padStart(2, '0')} ${step}`.replace(/[^\w]+/g, '-');
    if (broken && step !== 'no error in any log') return;
    try {
      const seen = await act();
      await bench.shot(shots, name);
      report({ step, ok: true, ...seen });
    } catch (error) {
      broken = true;
      await bench.shot(shots, `FAILED-${name}`).catch(() => undefined);
      report({ step, ok: false, seen: error.message });
    }
  };
  try {
    await play(tell, report);
  } catch (error) {
    report({ step: 'the window', ok: false, seen: error.stack });
  }
}
out({ failed });
process.exit(failed > 0 ? 1 : 0);
