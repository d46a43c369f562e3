// Versions as `1.2.3`; what follows the numbers (rc1, .dev2) does not count.

/** The lowest server whose requests the extension knows. */
export const MINIMUM_SERVER = '0.1.0';
/** The lowest Python that the server runs on. */
export const MINIMUM_PYTHON = '3.11.0';

export function isAtLeast(version: string, minimum: string): boolean {
  const [left, right] = [numbers(version), numbers(minimum)];
  for (let place = 0; place < 3; place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbers(version: string): number[] {
  const found = /^\D*(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version);
  return found ? found.slice(1).map((part) => Number(part ?? 0)) : [];
}
