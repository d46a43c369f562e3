// In the extension host itself, through the interface that other extensions have.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installed, shop } from '../scene.mjs';
import { extension, Workbench } from '../workbench.mjs';

export const chapters = {
  async inside(_, report) {
    // The extension from its folder.
    const file = join(mkdtempSync(join(tmpdir(), 'smq-report-')), 'report');
    const bench = await Workbench.open({ workspace: shop, path: installed, environment: { SMQ_REPORT: file } });
    try {
      await bench.loadTests(extension, join(extension, 'workbench/host/index.cjs'));
    } finally {
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
      if (lines.length === 0) lines.push({ chapter: 'inside', step: 'the extension host', ok: false, seen: bench.said });
      for (const line of lines) report(line);
      rmSync(dirname(file), { recursive: true, force: true });
      await bench.close();
    }
  },
};
