//! What a journal may look like: transcribed by hand from the table of the catalogue (FACTS.md), not from the code that
//! posts it.

use protocol::account::Code::{self, *};
use protocol::journal::{Journal, Rule};
use protocol::taka::Taka;

/// The accounts of one rule: debited, credited, and those of them without which it would be another rule.
struct Shape {
    debits: &'static [Code],
    credits: &'static [Code],
    musts: &'static [Code],
}

const PROVIDERS: [Code; 4] = [Bkash, Nagad, Rocket, Card];

const fn shape(debits: &'static [Code], credits: &'static [Code], musts: &'static [Code]) -> Shape {
    Shape { debits, credits, musts }
}

const fn of(rule: Rule) -> Shape {
    match rule {
        Rule::J2 => shape(&PROVIDERS, &[Escrow], &[Escrow]),
        Rule::J3 => shape(&[Settlement, ProviderFees], &PROVIDERS, &[]),
        Rule::J4 => shape(&[AgentCash], &[Clearing], &[AgentCash, Clearing]),
        Rule::J4p => shape(&[Till], &[Clearing], &[Till, Clearing]),
        Rule::J5 => shape(&[Clearing], &[VendorHeld, Delivery, Vat], &[Clearing, VendorHeld, Delivery, Vat]),
        Rule::J6 => shape(&[Escrow], &[VendorHeld, Delivery, Vat], &[Escrow, VendorHeld, Delivery, Vat]),
        Rule::J7 => shape(&[VendorHeld], &[Commission, CodHandling, Vat], &[VendorHeld, Commission, Vat]),
        Rule::J8 => shape(&[Till], &[AgentCash], &[Till, AgentCash]),
        Rule::J9 => shape(&[Till, Shortage], &[AgentCash], &[Shortage, AgentCash]),
        Rule::J9a => shape(&[AgentPayable], &[Shortage], &[AgentPayable, Shortage]),
        Rule::J9b => shape(&[Till], &[Shortage], &[Till, Shortage]),
        Rule::J9c => shape(&[ShortWrittenOff], &[Shortage], &[ShortWrittenOff, Shortage]),
        Rule::J10 => shape(&[Till], &[AgentCash, CashOver], &[Till, CashOver]),
        Rule::J10a => shape(&[CashOver], &[RefundsPayable], &[CashOver, RefundsPayable]),
        Rule::J10b => shape(&[CashOver], &[Till], &[CashOver, Till]),
        Rule::J10c => shape(&[CashOver], &[UnclaimedOver], &[CashOver, UnclaimedOver]),
        Rule::J11 => shape(
            &[AgentCash, Till, PartnerReceivable, CourierReceivable],
            &[Clearing, OverCollected],
            &[OverCollected],
        ),
        Rule::J11a => shape(&[AgentCash, Till, PartnerReceivable, Shortage], &[Clearing], &[Shortage, Clearing]),
        Rule::J11b => shape(&[VendorReceivable, Goodwill], &[Shortage], &[Shortage]),
        Rule::J11c => shape(&[Shortage], &[Clearing], &[Shortage, Clearing]),
        Rule::J12 => {
            const TAKEN: [Code; 8] =
                [AgentCash, Till, PartnerReceivable, CourierReceivable, Bkash, Nagad, Rocket, Card];
            shape(&TAKEN, &[OverCollected], &[OverCollected])
        }
        Rule::J12b => shape(&[OverCollected], &[RefundsPayable], &[OverCollected, RefundsPayable]),
        Rule::J12c => shape(&[OverCollected], &[AgentCash], &[OverCollected, AgentCash]),
        Rule::J12d => shape(&[OverCollected], &[AgentPayable], &[OverCollected, AgentPayable]),
        Rule::J13 => shape(&[InTransit], &[Till], &[InTransit, Till]),
        Rule::J13a => shape(&[Settlement], &[InTransit, CashOver], &[Settlement, InTransit]),
        Rule::J13b => shape(&[Settlement, Shortage], &[InTransit], &[Shortage, InTransit]),
        Rule::J13c => shape(&[BankCharges], &[Settlement, Operating], &[BankCharges]),
        Rule::J14 => shape(&[CourierReceivable], &[Clearing], &[CourierReceivable, Clearing]),
        Rule::J14a => {
            shape(&[Settlement, CourierCost, InputVat], &[CourierReceivable], &[Settlement, CourierReceivable])
        }
        Rule::J16 => shape(&[VendorHeld], &[VendorAvailable], &[VendorHeld, VendorAvailable]),
        Rule::J17 => shape(&[VendorAvailable], &[PayoutInFlight], &[VendorAvailable, PayoutInFlight]),
        Rule::J17a => shape(&[PayoutInFlight], &[Settlement], &[PayoutInFlight, Settlement]),
        Rule::J17b => shape(&[Settlement, PayoutInFlight], &[VendorAvailable], &[VendorAvailable]),
        Rule::J17c => shape(&[VendorAvailable], &[PayoutFee, Vat], &[VendorAvailable, PayoutFee, Vat]),
        Rule::J18 => shape(&[Operating], &[Settlement], &[Operating, Settlement]),
        Rule::J19 => shape(&[Escrow], &[RefundsPayable], &[Escrow, RefundsPayable]),
        Rule::J19a => shape(&[RefundsPayable], &PROVIDERS, &[RefundsPayable]),
        Rule::J20 => shape(&[VendorHeld, VendorAvailable, VendorReceivable], &[RefundsPayable], &[RefundsPayable]),
        Rule::J20a => shape(&[Commission, Vat], &[VendorHeld, VendorAvailable], &[Commission]),
        Rule::J20b => {
            shape(&[VendorReceivable, Commission, Vat], &[RefundsPayable], &[VendorReceivable, RefundsPayable])
        }
        Rule::J20c => shape(&[VendorAvailable], &[VendorReceivable], &[VendorAvailable, VendorReceivable]),
        Rule::J20d => shape(&[RefundsPayable], &[Till], &[RefundsPayable, Till]),
        Rule::J20e => shape(&[RefundsPayable], &[RefundsPayable], &[RefundsPayable]),
        Rule::J20f => shape(&[VendorReceivable], &[VendorAvailable], &[VendorReceivable, VendorAvailable]),
        Rule::J21 => shape(&[VendorAvailable, VendorReceivable], &[RtoFee, Vat], &[RtoFee, Vat]),
        Rule::J21a => shape(&[Escrow, Rounding], &[RefundsPayable, Delivery, Vat], &[Escrow, Delivery, Vat]),
        Rule::J24 => shape(&PROVIDERS, &[Clearing], &[Clearing]),
        Rule::J25 => shape(&[Loss], &[VendorAvailable], &[Loss, VendorAvailable]),
        Rule::J25a => shape(&[Shortage, Claims], &[Loss], &[Loss]),
        Rule::J26 => shape(&[Claims, Operating, Loss], &[InTransit, Claims], &[Claims]),
        Rule::J27 => shape(&[Till], &[Operating], &[Till, Operating]),
        Rule::J27a => shape(&[Shortage, Till], &[Till, CashOver], &[Till]),
        Rule::J27b => shape(&[Shortage], &[Till], &[Shortage, Till]),
        Rule::J27c => shape(&[Till], &[CashOver], &[Till, CashOver]),
        Rule::J27d => shape(&[SiteExpense], &[Shortage], &[SiteExpense, Shortage]),
        Rule::J28 => shape(&[AgentIncentive, AgentPayable], &[AgentPayable, Operating], &[AgentPayable]),
        Rule::J29 => shape(&[Settlement, Operating], &[Unidentified], &[Unidentified]),
        Rule::J29a => shape(&[Settlement], &[Escrow], &[Escrow]),
        Rule::J30 => shape(&[RefundsPayable], &[StoreCredit], &[RefundsPayable, StoreCredit]),
        Rule::J30a => shape(&[StoreCredit], &[Escrow], &[StoreCredit, Escrow]),
        Rule::J31 => shape(&[VendorReceivable, Loss, Escrow, RefundsPayable], &PROVIDERS, &[]),
        Rule::J32 => shape(&[Rounding], &[Clearing, Escrow], &[Rounding]),
        Rule::J33 => shape(&[Vat], &[Operating], &[Vat, Operating]),
        Rule::J35 => shape(&[Operating, Security], &[Security, Shortage], &[Security]),
        Rule::J36 => shape(&[PartnerReceivable], &[Clearing], &[PartnerReceivable, Clearing]),
        Rule::J36a => shape(&[Settlement, CourierCost], &[PartnerReceivable], &[Settlement, PartnerReceivable]),
        Rule::J37 => shape(&[CustomerReceivable], &[Till, Bkash, Nagad, Rocket, Card], &[CustomerReceivable]),
        Rule::J37a => {
            shape(&[Till, RefundsPayable, StoreCredit, Goodwill], &[CustomerReceivable], &[CustomerReceivable])
        }
    }
}

/// Codes whose accounts each belong to somebody; the others are one account.
const OWNED: [Code; 23] = [
    CourierReceivable,
    Claims,
    AgentPayable,
    Security,
    StoreCredit,
    Settlement,
    Operating,
    InTransit,
    AgentCash,
    Till,
    Shortage,
    VendorReceivable,
    PartnerReceivable,
    CustomerReceivable,
    VendorHeld,
    VendorAvailable,
    PayoutInFlight,
    Escrow,
    Clearing,
    RefundsPayable,
    Unidentified,
    CashOver,
    OverCollected,
];

/// Holds a journal, as it was posted first, to its row of the table. Invariants 1 and 20; every difference has an owner.
pub fn holds(journal: &Journal) -> Result<(), String> {
    let shape = of(journal.rule);
    let total: Taka = journal.postings.iter().map(|line| line.amount).sum();
    if total != Taka::ZERO || journal.postings.is_empty() {
        return Err(format!("{journal} is out of balance by {total}"));
    }
    for line in &journal.postings {
        let side = if line.amount > Taka::ZERO { shape.debits } else { shape.credits };
        if !side.contains(&line.account.code) {
            return Err(format!("{journal}: {} is on a side that the catalogue does not give it", line.account));
        }
        if line.account.owner.is_some() != OWNED.contains(&line.account.code) {
            return Err(format!("{journal}: {} has no owner, or one that it should not have", line.account));
        }
    }
    for must in shape.musts {
        if !journal.postings.iter().any(|line| line.account.code == *must) {
            return Err(format!("{journal} does not touch {}, which it is about", *must as u16));
        }
    }
    Ok(())
}
