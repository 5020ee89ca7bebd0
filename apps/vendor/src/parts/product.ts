import { count, isKey, money, t, type ProductField, type VendorProduct } from '@getit/ui';

/** The fields of a product, in the order of the form. */
export const FIELDS = ['name_bn', 'name_en', 'unit', 'price', 'description'] as const;
export type FieldName = (typeof FIELDS)[number];

/** Longest texts, characters; the node holds to the same. */
export const MOST: Record<FieldName, number> = { name_bn: 200, name_en: 200, unit: 200, price: 16, description: 2_000 };
/** Characters of a value that a line of the page shows. */
const SHOWN = 120;

export function fieldOf(product: VendorProduct, name: string): ProductField | undefined {
  return product.fields.find((field) => field.field === name);
}

/** The value in use, as text; a price in paisa. */
export function valueOf(product: VendorProduct, name: FieldName): string | null {
  return fieldOf(product, name)?.used.value ?? null;
}

/** The name in the language spoken, or the other one, or the number. */
export function nameOf(product: VendorProduct, lang: 'bn' | 'en'): string {
  const [first, second] = lang === 'bn' ? (['name_bn', 'name_en'] as const) : (['name_en', 'name_bn'] as const);
  return valueOf(product, first) || valueOf(product, second) || product.sku;
}

/** The word of a field. */
export function fieldWord(name: string): string {
  if (name === 'price') return t('v.price_short');
  if (name === 'unit') return t('v.unit_short');
  const key = `v.${name}`;
  return isKey(key) ? t(key) : name;
}

/** A value as a person reads it, cut when it is long. */
export function shown(name: string, value: string | null | undefined): string {
  if (value === null || value === undefined || value === '') return t('v.emptied');
  if (name === 'price') return money(Number(value));
  const signs = [...value];
  return signs.length > SHOWN ? `${signs.slice(0, SHOWN).join('')}…` : value;
}

/** The price in taka as it is typed: `415`, `415.50`. */
export function typedPrice(paisa: string | null): string {
  if (paisa === null) return '';
  const value = Number(paisa);
  const rest = value % 100;
  return `${(value - rest) / 100}${rest === 0 ? '' : `.${String(rest).padStart(2, '0')}`}`;
}

/** What is wrong with a text, in words; null when nothing is. */
export function textFault(name: Exclude<FieldName, 'price'>, value: string): string | null {
  const length = [...value.trim()].length;
  if (length > MOST[name]) return t('v.too_long', { max: MOST[name], n: count(length) });
  if (length === 0 && name === 'unit') return t('v.empty_unit');
  return length === 0 && name !== 'description' ? t('v.empty_name') : null;
}

/** Whole taka or .50, over 0, at most ten million. */
export function isPrice(paisa: number | null): paisa is number {
  return paisa !== null && paisa > 0 && paisa % 50 === 0 && paisa <= 1_000_000_000;
}
