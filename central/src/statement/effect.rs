//! What a row of a CSV file does to the account.

use csv::StringRecord;

use super::Unreadable;
use super::amount::{Fault, reversed_sign, written};
use super::mapping::Amounts;
use super::places::{AmountPlaces, heading};
use protocol::taka::Taka;

/// Amount and fee of a row, as in [`super::Line`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// Positive: came in. Of a settlement: net.
    pub amount: Taka,
    /// What was kept of the gross, with VAT.
    pub fee: Taka,
    /// The VAT in it.
    pub fee_vat: Taka,
}

impl Effect {
    /// The effect of a row; `None` if its amount columns are empty, or zero where one of two should be filled.
    pub(super) fn of(
        at: u32,
        record: &StringRecord,
        places: &AmountPlaces,
        amounts: &Amounts,
    ) -> Result<Option<Self>, Unreadable> {
        let read = |index: usize| written(record.get(index).unwrap_or_default()).map_err(|fault| fault.at(at));
        match places {
            AmountPlaces::InOut(debit, credit) => Self::in_or_out(at, read(*debit)?, read(*credit)?),
            AmountPlaces::Signed(amount) => Ok(read(*amount)?.map(Self::plain)),
            AmountPlaces::Marked(amount, mark) => {
                let Some(amount) = read(*amount)? else { return Ok(None) };
                if amount < Taka::ZERO {
                    return Err(reversed_sign(at));
                }
                let credit = is_credit(at, record.get(*mark).unwrap_or_default(), amounts)?;
                Ok(Some(Self::plain(if credit { amount } else { amount.negated() })))
            }
            AmountPlaces::Settlement(gross, fees, vat, net) => {
                let Some(gross) = read(*gross)? else { return Ok(None) };
                let vat = vat.map(read).transpose()?.flatten().unwrap_or_default();
                let mut fee = vat;
                for place in fees {
                    fee = fee.plus(read(*place)?.unwrap_or_default());
                }
                let net = net.map(|net| read(net)?.ok_or_else(|| no_amount(at))).transpose()?;
                Self::settled(at, gross, fee, vat, net).map(Some)
            }
        }
    }

    const fn plain(amount: Taka) -> Self {
        Self { amount, fee: Taka::ZERO, fee_vat: Taka::ZERO }
    }

    fn in_or_out(at: u32, debit: Option<Taka>, credit: Option<Taka>) -> Result<Option<Self>, Unreadable> {
        // Many banks write 0.00 in the column that they mean to leave empty.
        let (debit, credit) = (debit.unwrap_or_default(), credit.unwrap_or_default());
        if debit < Taka::ZERO || credit < Taka::ZERO {
            return Err(reversed_sign(at));
        }
        match (debit == Taka::ZERO, credit == Taka::ZERO) {
            (true, true) => Ok(None),
            (true, false) => Ok(Some(Self::plain(credit))),
            (false, true) => Ok(Some(Self::plain(debit.negated()))),
            (false, false) => Err(Unreadable::line(
                at,
                "debit_and_credit",
                format!("Line {at} has both a debit and a credit."),
                "A row moves money one way. Check that the columns are not shifted and export the file again.",
            )),
        }
    }

    fn settled(at: u32, gross: Taka, fee: Taka, fee_vat: Taka, net: Option<Taka>) -> Result<Self, Unreadable> {
        if gross > Taka::ZERO && fee < Taka::ZERO {
            return Err(reversed_sign(at));
        }
        let amount = gross.minus(fee);
        if [amount, fee].iter().any(|amount| Taka::from_paisa(amount.paisa()).is_none()) {
            return Err(Fault::TooLarge.at(at));
        }
        if let Some(net) = net.filter(|net| *net != amount) {
            return Err(Unreadable::line(
                at,
                "settlement_does_not_add_up",
                format!("Line {at} pays out {net}, but the amount collected less the charges is {amount}."),
                "Ask the sender for the missing charge. If the file has one more charge column, add it to the mapping.",
            ));
        }
        Ok(Self { amount, fee, fee_vat })
    }
}

fn is_credit(at: u32, mark: &str, amounts: &Amounts) -> Result<bool, Unreadable> {
    let Amounts::Marked { credit, debit, .. } = amounts else { return Err(no_direction(at)) };
    let is_among = |marks: &[String]| marks.iter().any(|known| heading(known) == heading(mark));
    match (is_among(credit), is_among(debit)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => Err(no_direction(at)),
    }
}

/// The refusal of a row without an amount.
pub(super) fn no_amount(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "no_amount",
        format!("Line {at} has no amount."),
        "Look at the amount columns there; if the row is no payment, ask the sender why it is in the file.",
    )
}

fn no_direction(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "no_direction",
        format!("Line {at} does not tell whether it is a credit or a debit."),
        "Ask the sender what the mark there means and add it to the mapping.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::examples::{BKASH, PATHAO};
    use super::super::{Column, Mapping, Reading, Statement, Unreadable, read};
    use super::*;

    fn by(name: &str, text: &str) -> Result<Statement, Unreadable> {
        read(text.as_bytes(), &Reading::Csv(Box::new(Mapping::built_in(name).unwrap())))
    }

    fn figures(statement: &Statement) -> Vec<(i64, i64)> {
        statement.lines.iter().map(|line| (line.amount.paisa(), line.fee.paisa())).collect()
    }

    #[test]
    fn a_wallet_statement_gives_net_and_fee_and_leaves_failed_payments_out() {
        let statement = by("bkash", BKASH).unwrap();
        assert_eq!(figures(&statement), [(98_500, 1_500), (-19_700, -300)]);
        assert_eq!(statement.pending, 1);
        assert_eq!(
            (statement.lines[0].reference.as_str(), statement.lines[0].ids.join(" ")),
            ("6H7801QFYM", "INV-1".into())
        );
    }

    #[test]
    fn vat_told_apart_is_part_of_the_fee() {
        let text = "Date,Transaction ID,Customer Account,Order ID,Amount,Charge,VAT,Net Amount,Status\n\
            2026-11-01,N1,017,O1,1000,10,1.50,988.50,Success\n";
        let line = by("nagad", text).unwrap().lines.remove(0);
        assert_eq!((line.amount.paisa(), line.fee.paisa(), line.fee_vat.paisa()), (98_850, 1_150, 150));
    }

    #[test]
    fn a_courier_file_adds_up_its_charges_also_for_a_return() {
        assert_eq!(figures(&by("pathao", PATHAO).unwrap()), [(96_940, 9_060), (-6_000, 6_000)]);
    }

    #[test]
    fn wrong_settlements_are_refused() {
        for (from, to, code) in [
            ("969.40", "969.50", "settlement_does_not_add_up"),
            ("80,10.60,969.40", "-80,-10.60,1150.60", "reversed_sign"),
            ("1060,80", "1060,80.005", "too_many_decimals"),
            ("1060,80", ",80", "no_amount"),
            (",969.40", ",", "no_amount"),
        ] {
            assert_eq!(by("pathao", &PATHAO.replace(from, to)).unwrap_err().code, code, "{to}");
        }
        assert_eq!(by("bkash", &BKASH.replace("Failed", "Odd")).unwrap_err().code, "unknown_status");
    }

    #[test]
    fn a_marked_amount_takes_its_direction_from_its_mark_only() {
        let amounts = Amounts::Marked {
            amount: Column::any(&["Amount"]),
            mark: Column::any(&["Type"]),
            credit: vec!["CR".to_owned()],
            debit: vec!["DR".to_owned()],
        };
        let bank = Mapping { amounts, balance: None, reference: None, text: Vec::new(), ..Mapping::bank() };
        let marked = |row: &str| {
            let text = format!("Date,Type,Amount\n01/11/2026,{row}\n");
            read(text.as_bytes(), &Reading::Csv(Box::new(bank.clone()))).map(|statement| figures(&statement))
        };
        assert_eq!((marked("Cr,5"), marked("DR,5")), (Ok(vec![(500, 0)]), Ok(vec![(-500, 0)])));
        assert_eq!(marked("DR,-5").unwrap_err().code, "reversed_sign");
        assert_eq!(marked("XX,5").unwrap_err().code, "no_direction");
    }
}
