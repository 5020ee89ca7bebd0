/** What only the delivery face says. */
export const delivery = {} as const satisfies Record<string, readonly [bn: string, en: string]>;
