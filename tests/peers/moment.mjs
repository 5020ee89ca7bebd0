/** Milliseconds of the machine's one monotonic clock, so that moments of two processes can be compared. */
export const moment = () => Number(process.hrtime.bigint()) / 1e6;
