/** An axis from zero: `top` is its end, `ticks` what is written beside it, in paisa. */
export interface Scale {
  bottom: number;
  top: number;
  ticks: number[];
}

/** Steps that a person who counts in thousand, lakh and crore reads at once. */
const STEPS = [1, 2, 5];
/** At most so many ticks: more would touch at the height of a plot. */
const MOST = 5;

/** The scale of amounts, always with zero in it: a bar that does not begin at zero lies about its length. */
export function scaleOf(values: readonly number[]): Scale {
  const finite = values.filter(Number.isFinite);
  const high = Math.max(0, ...finite);
  const low = Math.min(0, ...finite);
  const width = high - low;
  if (width === 0) return { bottom: 0, top: 100, ticks: [0] };
  const step = stepOf(width);
  const bottom = Math.floor(low / step) * step;
  const top = Math.ceil(high / step) * step;
  const ticks: number[] = [];
  for (let at = bottom; at <= top; at += step) ticks.push(at);
  return { bottom, top, ticks };
}

/** The smallest step that leaves at most [`MOST`] intervals; whole taka at least. */
function stepOf(width: number): number {
  for (let unit = 100; ; unit *= 10) {
    for (const step of STEPS) if (width / (unit * step) <= MOST) return unit * step;
  }
}

const UNITS = [
  { paisa: 1_00_00_000_00, bn: ' কোটি', en: ' crore' },
  { paisa: 1_00_000_00, bn: ' লাখ', en: ' lakh' },
  { paisa: 1_000_00, bn: ' হাজার', en: ' thousand' },
  { paisa: 1_00, bn: '', en: '' },
] as const;

/** A tick in the unit that people say: `২.৫ লাখ`; digits are Latin, the caller writes them. */
export function tickText(paisa: number, lang: 'bn' | 'en'): string {
  if (paisa === 0) return '0';
  const unit = UNITS.find((one) => Math.abs(paisa) >= one.paisa) ?? UNITS[UNITS.length - 1]!;
  const amount = Math.abs(paisa) / unit.paisa;
  return `${paisa < 0 ? '−' : ''}${Number(amount.toFixed(2))}${unit[lang]}`;
}

/** Where an amount lies between `from` (the bottom) and `to` (the top), in the units of those. */
export function place(scale: Scale, paisa: number, from: number, to: number): number {
  return from + ((paisa - scale.bottom) / (scale.top - scale.bottom)) * (to - from);
}

/** Moves labels apart that would lie on each other: their order stays, and none leaves `low`..`high`. */
export function apart(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at);
  let floor = low;
  for (const one of order) {
    one.at = Math.max(one.at, floor);
    floor = one.at + gap;
  }
  let ceiling = high;
  for (const one of order.reverse()) {
    one.at = Math.min(one.at, ceiling);
    ceiling = one.at - gap;
  }
  const placed = new Array<number>(wanted.length);
  for (const one of order) placed[one.index] = one.at;
  return placed;
}
