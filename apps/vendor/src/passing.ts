/** Refusals that pass once the machine is put right: the sheet offers the same thing again. */
export function isPassing(code: string): boolean {
  return code === 'disk_full' || code === 'machinery_failed';
}
