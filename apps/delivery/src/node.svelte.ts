import { call, refusedOf, type AgentRun, type DeviceStatus, type Refused } from '@getit/ui';

/** How often the bar and the run are read again, ms: what another act or the hub changed is seen at once. */
const POLL_MS = 1_000;

/** What the node says, as every page needs it. */
export const node = $state<{ status: DeviceStatus | null; run: AgentRun | null; refused: Refused | null }>({
  status: null,
  run: null,
  refused: null,
});

/** Reads status and run. */
export async function refresh(): Promise<void> {
  try {
    node.status = await call<DeviceStatus>('status');
    node.run = await call<AgentRun>('run');
    node.refused = null;
  } catch (error) {
    node.refused = refusedOf(error);
  }
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
