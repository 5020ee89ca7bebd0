/** Answers of central by the names that the pages use; `apps/client` is generated from its document. */
import type { components } from '../../client/src/schema';

export type Schemas = components['schemas'];
export type Id = string;

/** What a list gives. */
export interface Paged<Row> {
  rows: Row[];
  next?: string | null;
}

export type CashGroup = Schemas['CashHeld'];
export type DifferenceCount = Schemas['OpenDifferences'];
export type Overview = Schemas['Overview'];
export type CashDay = Schemas['CashOnDay'];
export type Ageing = Schemas['Aged'];
export type Shortage = Schemas['Shortage'];
export type Difference = Schemas['Difference'];
export type Custody = Schemas['Custody'];
export type EvidenceRecord = Schemas['Record'];
export type Evidence = Schemas['Evidence'];
export type Vat = Schemas['Vat'];
export type Settlement = Schemas['Settlement'];
export type Payout = Schemas['PayoutRow'];
export type VendorAccount = Schemas['AccountRow'];
export type CashRefund = Schemas['CashRefundRow'];
export type Return = Schemas['ReturnRow'];
export type Consignment = Schemas['ConsignmentRow'];
export type Entry = Schemas['EntryRow'];
export type EntryAnswer = Schemas['EntryAnswer'];
export type Settings = Schemas['Settings'];
export type Payable = Schemas['Payable'];
export type HeldPayout = Schemas['HeldPayout'];
export type VatRow = Schemas['VatRow'];
export type SettlementDay = Schemas['SettlementDay'];
