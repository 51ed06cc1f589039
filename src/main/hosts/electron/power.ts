/**
 * Power events of the machine, as lines in the log of live runs: battery, heat, a slowed
 * processor, sleep. Notes only; nothing is paused. Systems report different subsets of them.
 */
import { powerMonitor } from 'electron';
import type { Nextvec } from '../../nextvec.ts';

const THERMAL_WORDS: Readonly<Record<string, string>> = {
  nominal: 'is back to normal',
  fair: 'is slightly raised',
  serious: 'is high: the system slows the processor down',
  critical: 'is critical: the system slows the processor down hard',
};

const HOT: ReadonlySet<string> = new Set(['serious', 'critical']);

function thermalMessage(state: string): string {
  return `The temperature of the machine ${THERMAL_WORDS[state] ?? `is "${state}"`}.`;
}

/** Full speed; below it the system has slowed the processor. */
const FULL_SPEED = 100;

export function notePower(nextvec: Pick<Nextvec, 'note'>): void {
  let sleptAt: number | null = null;
  powerMonitor.on('on-battery', () => nextvec.note('warning', 'The machine runs on battery now.'));
  powerMonitor.on('on-ac', () => nextvec.note('info', 'The machine is plugged in again.'));
  powerMonitor.on('thermal-state-change', ({ state }) => {
    nextvec.note(HOT.has(state) ? 'warning' : 'info', thermalMessage(state));
  });
  powerMonitor.on('speed-limit-change', ({ limit }) => {
    const isSlowed = limit < FULL_SPEED;
    const message = isSlowed
      ? `The system has slowed the processor down to ${limit} %.`
      : 'The processor runs at full speed again.';
    nextvec.note(isSlowed ? 'warning' : 'info', message);
  });
  powerMonitor.on('suspend', () => {
    sleptAt = Date.now();
    nextvec.note('warning', 'The machine goes to sleep.');
  });
  powerMonitor.on('resume', () => {
    const minutes = sleptAt === null ? null : Math.round((Date.now() - sleptAt) / 60_000);
    sleptAt = null;
    nextvec.note('info', `The machine is awake again${minutes ? ` after ${minutes} min` : ''}; training goes on.`);
  });
}

/** Log lines for a run that starts: the events above report changes only. */
export function notePowerNow(nextvec: Pick<Nextvec, 'note'>): void {
  if (powerMonitor.isOnBatteryPower()) nextvec.note('warning', 'The machine runs on battery.');
  if (process.platform !== 'darwin') return;
  const state = powerMonitor.getCurrentThermalState();
  if (HOT.has(state)) nextvec.note('warning', thermalMessage(state));
}
