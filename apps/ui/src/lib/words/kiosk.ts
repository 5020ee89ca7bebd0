/** What only the kiosk face says. */
export const kiosk = {} as const satisfies Record<string, readonly [bn: string, en: string]>;
