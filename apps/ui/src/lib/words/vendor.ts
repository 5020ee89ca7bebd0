/** What only the vendor face says. */
export const vendor = {} as const satisfies Record<string, readonly [bn: string, en: string]>;
