import { latin, readMoney } from '@getit/ui';
import type { Settings } from './contract';

/** Settings by when they hold. */
export interface ByTime {
  now: Settings | null;
  /** Soonest first. */
  announced: Settings[];
  /** Latest first. */
  earlier: Settings[];
}

/** Sorts out what holds, what is announced and what held before. */
export function byTime(rows: readonly Settings[], nowMs: number): ByTime {
  const latest = [...rows].sort((a, b) => b.effective_ms - a.effective_ms);
  const [now = null, ...earlier] = latest.filter((one) => one.effective_ms <= nowMs);
  return { now, announced: latest.filter((one) => one.effective_ms > nowMs).reverse(), earlier };
}

/** What holds at a moment, as far as it is set. */
export function at(rows: readonly Settings[], ms: number): Settings | null {
  return byTime(rows, ms).now;
}

/** A day and a time of Dhaka as ms; null where one cannot be read. */
export function dhakaMs(day: string, time: string): number | null {
  const ms = Date.parse(`${day}T${time}:00+06:00`);
  return Number.isNaN(ms) ? null : ms;
}

/** A whole number in either script; null when it is none. */
export function readWhole(text: string): number | null {
  const bare = latin(text).replace(/[,\s]/g, '');
  return /^\d{1,9}$/.test(bare) ? Number(bare) : null;
}

/** What was typed, as settings; null while something cannot be read. */
export function settingsOf(typed: { day: string; time: string; amount: string; days: string; hours: string; fee: string }): Settings | null {
  const [effective_ms, two_people_from_paisa] = [dhakaMs(typed.day, typed.time), readMoney(typed.amount)];
  const [unclaimed_after_days, cooling_hours] = [readWhole(typed.days), readWhole(typed.hours)];
  const payout_fee_paisa = readMoney(typed.fee);
  if (effective_ms === null || two_people_from_paisa === null || unclaimed_after_days === null || cooling_hours === null || payout_fee_paisa === null) return null;
  return { effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours, payout_fee_paisa };
}

/** Whether both say the same, whenever they begin. */
export function same(one: Settings, other: Settings): boolean {
  const keys = ['two_people_from_paisa', 'unclaimed_after_days', 'cooling_hours', 'payout_fee_paisa'] as const;
  return keys.every((key) => one[key] === other[key]);
}
