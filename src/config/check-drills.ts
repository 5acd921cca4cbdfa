/** Checks of drills and plans: names, steps that say one thing, and that what they drain is there. */
import type { Path, Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';
import type { PlanStepEntry } from './schema-drills.ts';
import type { TargetSettings } from './settings.ts';

/** Checks drills and plans. */
export function checkDrills(config: ConfigDraft, report: Report): void {
  const { drills = [], plans = [] } = config;
  const isThere = placesOf(config);
  const checkPlace = (what: TargetSettings | undefined, path: Path): void => {
    if (what === undefined || isThere(what)) return;
    report('DRAIN_PLACE_UNKNOWN', path, `no cluster is configured that ${what.kind} ${what.name} could mean`);
  };
  drills.forEach(({ name, what }, i) => {
    const first = drills.findIndex((other) => other.name === name);
    if (first < i)
      report('DUPLICATE_DRILL', ['drills', i, 'name'], `drills[${first}] is called ${name}, too`);
    if (what.kind === 'service')
      report('BAD_TARGET', ['drills', i, 'what'], 'a drill drains a cluster, a region or a zone');
    else checkPlace(what, ['drills', i, 'what']);
  });
  plans.forEach(({ name, steps }, i) => {
    const first = plans.findIndex((other) => other.name === name);
    if (first < i) report('DUPLICATE_PLAN', ['plans', i, 'name'], `plans[${first}] is called ${name}, too`);
    steps.forEach((step, j) => {
      const path = ['plans', i, 'steps', j];
      checkStep(step, path, report);
      checkPlace(step.drain, [...path, 'drain']);
      checkPlace(step.undrain, [...path, 'undrain']);
    });
  });
}

function checkStep(step: PlanStepEntry, path: Path, report: Report): void {
  if ((step.drain === undefined) === (step.undrain === undefined)) {
    const message =
      step.drain === undefined ? 'a step drains or undrains something' : 'a step does one thing';
    return report('PLAN_STEP', path, message, 'write drain: zone NAME, or undrain: zone NAME');
  }
  if (step.undrain === undefined) return;
  for (const key of ['for', 'reason'] as const)
    if (step[key] !== undefined)
      report('PLAN_STEP', [...path, key], `${key} is of drains: the end of one has nothing of the kind`);
}

/** Whether something to be drained may be there: clusters that join by themselves, or say where they are, may be anywhere. */
function placesOf({ clusters = [], clusterSecrets }: ConfigDraft): (what: TargetSettings) => boolean {
  const mayJoin = clusterSecrets !== undefined || clusters.length === 0;
  const isOpenRegion = mayJoin || clusters.some(({ region }) => region === undefined);
  const isOpenZone = isOpenRegion || clusters.some(({ zones }) => zones === undefined);
  const names = new Set(clusters.map(({ name }) => name));
  const regions = new Set(clusters.map(({ region }) => region));
  const zones = new Set(
    clusters.flatMap(({ region, zones: own = [] }) => own.flatMap((zone) => [zone, `${zone}.${region}`])),
  );
  return ({ kind, name }) => {
    switch (kind) {
      case 'cluster':
        return mayJoin || names.has(name);
      case 'region':
        return isOpenRegion || regions.has(name);
      case 'zone':
        return isOpenZone || zones.has(name);
      case 'service':
        return true;
    }
  };
}
