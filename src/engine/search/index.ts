/** The next member of a sweep, by whichever method it has. */
import { nextGridPoint, type Point, type SweepSpec } from '#shared/domain/plans/sweeps.ts';
import { comparable, type HalvingRules, type MemberProgress } from './halving.ts';
import { randomPoint } from './space.ts';
import { startUpCount, tpePoint } from './tpe.ts';

export { nextMove, type HalvingRules, type MemberProgress, type Move } from './halving.ts';

/** Members a search that learns wants at a rung before it prefers it to the one below. */
function enoughFor({ axes }: SweepSpec): number {
  return axes.length + 3;
}

/** Whether proposing the next member, `proposed` of them being there, reads the values of those before it. */
export function learnsAt({ method, members, axes }: SweepSpec, proposed: number): boolean {
  return method === 'tpe' && proposed - 1 >= startUpCount(members, axes.length);
}

/** Member 0 is the plain recipe; this proposes members 1, 2, … in their order, `memberCount` of them. */
export function proposeMember(
  spec: SweepSpec,
  seed: number,
  points: ReadonlyMap<number, Point>,
  progress: readonly MemberProgress[],
  rules: HalvingRules,
): Point {
  const { axes, method } = spec;
  const index = points.size - 1;
  if (method === 'grid') {
    const point = nextGridPoint(axes, [...points.values()]);
    if (point === undefined) throw new Error('All points of the grid have been proposed');
    return point;
  }
  if (method === 'random') return randomPoint(axes, seed, index);
  const observations = comparable(progress, rules, enoughFor(spec)).flatMap(({ member, value }) => {
    const point = points.get(member);
    return point === undefined ? [] : [{ point, value }];
  });
  return tpePoint({ axes, seed, index, members: spec.members, observations });
}
