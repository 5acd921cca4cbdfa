/**
 * Owns what a member's object lacks of what fedns applies: what is there besides is the cluster's own affair. Lists of
 * objects may hold foreign entries between ours (sidecars that a webhook puts in); lists of plain values are one value.
 */

/** Deeper than any object of the API: a schema that nests without end is cut off there. */
const DEPTH_MAX = 64;

/**
 * The first place where an object is not as desired, with what stands there; undefined: it has everything. Two calls with the
 * same result have met the same difference.
 */
export function firstDifference(found: unknown, desired: unknown, path = '', depth = 0): string | undefined {
  if (depth > DEPTH_MAX) return undefined;
  if (Array.isArray(desired)) return listDifference(found, desired, path, depth);
  if (typeof desired === 'object' && desired !== null) return mapDifference(found, desired, path, depth);
  return found === desired ? undefined : told(path, found);
}

function mapDifference(found: unknown, desired: object, path: string, depth: number): string | undefined {
  const isMap = typeof found === 'object' && found !== null && !Array.isArray(found);
  // The API leaves empty maps out.
  if (!isMap) return Object.keys(desired).length === 0 && found === undefined ? undefined : told(path, found);
  for (const [name, value] of Object.entries(desired)) {
    const there: unknown = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : undefined;
    const difference = firstDifference(there, value, `${path}.${name}`, depth + 1);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function listDifference(
  found: unknown,
  desired: readonly unknown[],
  path: string,
  depth: number,
): string | undefined {
  if (!Array.isArray(found))
    return desired.length === 0 && found === undefined ? undefined : told(path, found);
  const isOfValues =
    desired.length === 0 || desired.some((entry) => typeof entry !== 'object' || entry === null);
  if (isOfValues && found.length !== desired.length) return told(path, found);
  return isOfValues
    ? eachDifference(found, desired, path, depth)
    : orderedDifference(found, desired, path, depth);
}

function eachDifference(
  found: readonly unknown[],
  desired: readonly unknown[],
  path: string,
  depth: number,
): string | undefined {
  for (const [index, value] of desired.entries()) {
    const difference = firstDifference(found[index], value, `${path}[${index}]`, depth + 1);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Each entry must be met in order, with foreign ones between them. */
function orderedDifference(
  found: readonly unknown[],
  desired: readonly unknown[],
  path: string,
  depth: number,
): string | undefined {
  let next = 0;
  for (const [index, value] of desired.entries()) {
    const rest = found.slice(next);
    const at = rest.findIndex((entry) => firstDifference(entry, value, '', depth + 1) === undefined);
    if (at === -1) return told(`${path}[${index}]`, rest[0]);
    next += at + 1;
  }
  return undefined;
}

function told(path: string, found: unknown): string {
  return `${path} is ${(JSON.stringify(found) ?? 'absent').slice(0, 200)}`;
}
