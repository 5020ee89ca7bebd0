import { call, refusedOf, type DeviceStatus, type Refused } from '@getit/ui';

/** How often the bar and the lists are read again, ms: what the hub or another device changed is seen at once. */
const POLL_MS = 1_500;

/** What the node says, as every page needs it; `round` grows with every reading. */
export const node = $state<{ status: DeviceStatus | null; refused: Refused | null; round: number }>({
  status: null,
  refused: null,
  round: 0,
});

/** Where a record that left nowhere lies, in words: a phone, or the machine of the shop. */
export const machine: 'phone' | 'kiosk' = matchMedia('(min-width: 900px)').matches ? 'kiosk' : 'phone';

/** Reads the status, and lets the pages read. */
export async function refresh(): Promise<void> {
  try {
    node.status = await call<DeviceStatus>('status');
    node.refused = null;
  } catch (error) {
    node.refused = refusedOf(error);
    // A full disk stops writing, not reading: what was on the screen stays there.
    if (node.refused.code !== 'disk_full') node.status = null;
  }
  node.round += 1;
}

/** Reads again and again until the page is closed. */
export function follow(): () => void {
  let over = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const round = async () => {
    await refresh();
    if (!over) timer = setTimeout(() => void round(), POLL_MS);
  };
  void round();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
