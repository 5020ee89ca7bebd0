/** Answers of central that the generated schema (`apps/client`) does not have yet; to be taken from there when it does. */
import type { components } from '../../client/src/schema';

export type Schemas = components['schemas'];
export type Id = string;

/** What a list gives. */
export interface Paged<Row> {
  rows: Row[];
  next?: string | null;
}

export interface CashGroup {
  /** `agents`, `tills`, `bags`, `banks`, `partners`, or one of a later version. */
  group: string;
  account: number;
  holders: number;
  balance_paisa: number;
  aged_paisa: number;
  aged_holders: number;
}
export interface DifferenceCount {
  account: number;
  open: number;
  open_paisa: number;
  oldest: string | null;
}
export interface Overview {
  as_of: string;
  debit_paisa: number;
  credit_paisa: number;
  cash: CashGroup[];
  differences: DifferenceCount[];
  exceptions: { kind: string; open: number }[];
  rulings_waiting: number;
  lines_unmatched: number;
  devices_waiting: number;
  devices: number;
}
export interface CashDay {
  day: string;
  agents_paisa: number;
  tills_paisa: number;
  bags_paisa: number;
  banks_paisa: number;
  partners_paisa: number;
}
export interface Ageing {
  account: number;
  title: string;
  owner: Id | null;
  name: string | null;
  balance_paisa: number;
  oldest: string | null;
  day_paisa: number;
  three_days_paisa: number;
  week_paisa: number;
  month_paisa: number;
  older_paisa: number;
}
export interface Shortage {
  owner: Id;
  name: string | null;
  kind: string;
  open_paisa: number;
  count: number;
  oldest: string | null;
}
export type Difference = Schemas['Difference'] & { owner_name?: string | null };
export type Custody = Schemas['Custody'] & { name?: string | null };
export interface EvidenceRecord {
  op: string;
  subject: Id;
  what: string;
  author: string;
  name: string | null;
  role: string;
  device_name: string | null;
  recorded_at: string;
  taken_at: string;
  skew_ms: number | null;
  lane: number;
  amount_paisa: number | null;
  evidence: number | null;
  parallel: boolean;
}
export interface Evidence {
  difference: Difference;
  records: EvidenceRecord[];
  journals: Schemas['Revision'][];
  history: { count: number; amount_paisa: number };
  proofs: Id | null;
}
export interface VatRow {
  period: string;
  rule: string;
  what: string;
  charged_paisa: number;
  taken_back_paisa: number;
}
export interface Vat {
  rows: VatRow[];
  total_paisa: number;
}
export interface SettlementDay {
  day: string;
  price_paisa: number;
  charges_paisa: number;
  paid_paisa: number;
}
export interface Settlement {
  from: string;
  to: string;
  price_paisa: number;
  delivery_paisa: number;
  vat_paisa: number;
  commission_paisa: number;
  handling_paisa: number;
  return_fees_paisa: number;
  rounding_paisa: number;
  paid_to_vendors_paisa: number;
  rows: SettlementDay[];
}
export type Payout = Schemas['PayoutRow'] & { returned_reference?: string | null };
