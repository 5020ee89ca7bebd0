//! Which column of a CSV file means what.
//!
//! A mapping is configuration: serde reads it, and the built-in ones are a start. Only the bank's columns are common
//! knowledge. **Nobody publishes the headers of the merchant statements of bKash, Nagad and Rocket or of the
//! remittance files of Pathao, Paperfly, Steadfast and `RedX`: their built-in headers are assumed**, from the fields of
//! their APIs. Compare them with a real file and correct the configuration; a file whose headers differ is refused by
//! naming the missing columns, never read wrongly.

use serde::{Deserialize, Serialize};

/// A column by the text of its header: any of these, without regard to case, blanks and punctuation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Column(pub Vec<String>);

/// The columns of a kind of CSV file. Every column that is named here must be in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What people call the file, for messages: `bKash`.
    pub name: String,
    /// Booking date, with or without a time of day.
    pub date: Column,
    /// Where the amount is and how its direction is told.
    pub amounts: Amounts,
    /// The balance after each line. If named, it must follow from line to line.
    #[serde(default)]
    pub balance: Option<Column>,
    /// The sender's own id of the line.
    #[serde(default)]
    pub reference: Option<Column>,
    /// Other ids, such as the merchant's order id.
    #[serde(default)]
    pub ids: Vec<Column>,
    /// Who paid or was paid.
    #[serde(default)]
    pub counterparty: Option<Column>,
    /// Narration; several columns are joined by a blank.
    #[serde(default)]
    pub text: Vec<Column>,
    /// The currency, which must be BDT.
    #[serde(default)]
    pub currency: Option<Column>,
    /// Whether the line is booked.
    #[serde(default)]
    pub status: Option<Status>,
    /// The label in front of the account number above the header row: `Account No`. May be missing in the file.
    #[serde(default)]
    pub account: Option<Column>,
}

/// Where the amount of a line is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Amounts {
    /// Two columns without signs, of which each line fills one.
    InOut {
        /// What left the account.
        debit: Column,
        /// What came in.
        credit: Column,
    },
    /// One column with a sign: positive came in.
    Signed(Column),
    /// One column without sign and one that tells the direction.
    Marked {
        /// The amount.
        amount: Column,
        /// The direction.
        mark: Column,
        /// What stands in `mark` for money that came in.
        credit: Vec<String>,
        /// What stands in `mark` for money that left.
        debit: Vec<String>,
    },
    /// A settlement: what was collected, what was kept of it, what is paid out. Refunds are negative.
    Settlement {
        /// What the customer paid.
        gross: Column,
        /// What the sender kept, without VAT if `vat` is named.
        fees: Vec<Column>,
        /// VAT on the fees.
        #[serde(default)]
        vat: Option<Column>,
        /// What is paid out. If named, it must be gross - fees - VAT.
        #[serde(default)]
        net: Option<Column>,
    },
}

/// The column that tells whether a line is booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The column.
    pub column: Column,
    /// What stands there for a booked line, without regard to case.
    pub booked: Vec<String>,
    /// What stands there for a line to leave out. Anything else is refused.
    pub left_out: Vec<String>,
}

impl Column {
    /// A column that goes by any of these headers.
    #[must_use]
    pub fn any(headers: &[&str]) -> Self {
        Self(words(headers))
    }
}

impl Mapping {
    /// The names of [`Mapping::built_in`].
    pub const BUILT_IN: [&'static str; 8] =
        ["bank", "bkash", "nagad", "rocket", "pathao", "paperfly", "steadfast", "redx"];

    /// The built-in mapping of a name out of [`Mapping::BUILT_IN`]. All but `bank` have assumed headers.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "bank" => Some(Self::bank()),
            "bkash" => Some(Self::bkash()),
            "nagad" => Some(Self::nagad()),
            "rocket" => Some(Self::rocket()),
            "pathao" => Some(Self::pathao()),
            "paperfly" => Some(Self::paperfly()),
            "steadfast" => Some(Self::steadfast()),
            "redx" => Some(Self::redx()),
            _ => None,
        }
    }

    /// A bank's account statement: `Date, Particulars, Ref No, Withdrawal, Deposit, Balance` and usual other names.
    #[must_use]
    pub fn bank() -> Self {
        Self {
            name: "bank".to_owned(),
            date: Column::any(&["Date", "Transaction Date", "Txn Date", "Posting Date", "Tran Date"]),
            amounts: Amounts::InOut {
                debit: Column::any(&["Withdrawal", "Withdrawals", "Debit", "Debit Amount", "Dr"]),
                credit: Column::any(&["Deposit", "Deposits", "Credit", "Credit Amount", "Cr"]),
            },
            balance: Some(Column::any(&["Balance", "Running Balance", "Closing Balance"])),
            reference: Some(Column::any(&["Ref No", "Reference", "Reference No", "Cheque/Ref No", "Cheque No"])),
            ids: Vec::new(),
            counterparty: None,
            text: vec![Column::any(&["Particulars", "Narration", "Description", "Details"])],
            currency: None,
            status: None,
            account: Some(Column::any(&["Account No", "Account Number", "A/C No"])),
        }
    }

    /// bKash's statement for merchants; assumed headers.
    #[must_use]
    pub fn bkash() -> Self {
        let gross = &["Amount", "Transaction Amount"];
        Self {
            counterparty: Some(Column::any(&["Customer Wallet", "From Wallet", "Sender"])),
            ids: vec![Column::any(&["Merchant Invoice", "Merchant Invoice Number", "Transaction Reference"])],
            status: Some(completed()),
            ..settlement("bKash", &["TrxID", "Transaction ID"], gross, &["Charge"], None, &["Net Amount"])
        }
    }

    /// Nagad's statement for merchants; assumed headers.
    #[must_use]
    pub fn nagad() -> Self {
        let reference = &["Transaction ID", "Issuer Payment Ref No", "TxnID"];
        Self {
            counterparty: Some(Column::any(&["Customer Account", "Client Mobile No", "Sender"])),
            ids: vec![Column::any(&["Order ID", "Merchant Order ID"])],
            status: Some(completed()),
            ..settlement("Nagad", reference, &["Amount"], &["Charge"], Some("VAT"), &["Net Amount"])
        }
    }

    /// Rocket's statement for merchants; assumed headers.
    #[must_use]
    pub fn rocket() -> Self {
        let reference = &["TxnId", "Txn ID", "Transaction ID"];
        Self {
            counterparty: Some(Column::any(&["Sender Account", "Sender", "From Account"])),
            ids: vec![Column::any(&["Reference", "Bill No", "Ref No"])],
            ..settlement("Rocket", reference, &["Amount"], &["Fee", "Charge"], None, &["Net Amount"])
        }
    }

    /// Pathao's remittance of cash on delivery; assumed headers.
    #[must_use]
    pub fn pathao() -> Self {
        let fees = &["Delivery Fee", "COD Fee"];
        Self {
            ids: vec![Column::any(&["Merchant Order ID"]), Column::any(&["Invoice ID"])],
            ..settlement_of_parcels("Pathao", &["Consignment ID"], "Collected Amount", fees, "Paid Amount")
        }
    }

    /// Paperfly's remittance of cash on delivery; assumed headers.
    #[must_use]
    pub fn paperfly() -> Self {
        let fees = &["Delivery Charge", "COD Charge"];
        Self {
            ids: vec![Column::any(&["Merchant Order Reference", "Order Reference"])],
            ..settlement_of_parcels("Paperfly", &["Tracking Number"], "Received Amount", fees, "Payable Amount")
        }
    }

    /// Steadfast's remittance of cash on delivery; assumed headers.
    #[must_use]
    pub fn steadfast() -> Self {
        let fees = &["Delivery Charge", "COD Charge"];
        Self {
            ids: vec![Column::any(&["Invoice"]), Column::any(&["Tracking Code"])],
            ..settlement_of_parcels("Steadfast", &["Consignment ID"], "COD Amount", fees, "Payable Amount")
        }
    }

    /// `RedX`'s remittance of cash on delivery; assumed headers.
    #[must_use]
    pub fn redx() -> Self {
        let fees = &["Delivery Charge", "COD Charge"];
        Self {
            ids: vec![Column::any(&["Merchant Invoice ID", "Invoice Number"])],
            ..settlement_of_parcels("RedX", &["Tracking ID"], "Cash Collection Amount", fees, "Payable Amount")
        }
    }
}

/// A wallet's settlement; `fee` are the names of its one fee column.
fn settlement(
    name: &str,
    reference: &[&str],
    gross: &[&str],
    fee: &[&str],
    vat: Option<&str>,
    net: &[&str],
) -> Mapping {
    Mapping {
        name: name.to_owned(),
        date: Column::any(&["Date", "Transaction Date", "Date Time", "Transaction Time"]),
        amounts: Amounts::Settlement {
            gross: Column::any(gross),
            fees: vec![Column::any(fee)],
            vat: vat.map(|vat| Column::any(&[vat])),
            net: Some(Column::any(net)),
        },
        balance: None,
        reference: Some(Column::any(reference)),
        ids: Vec::new(),
        counterparty: None,
        text: Vec::new(),
        currency: None,
        status: None,
        account: None,
    }
}

/// A courier's settlement; `fees` are the names of its fee columns, all of which are there; VAT on them may be told apart.
fn settlement_of_parcels(name: &str, reference: &[&str], gross: &str, fees: &[&str], net: &str) -> Mapping {
    let mapping = settlement(name, reference, &[gross], &[], None, &[net]);
    Mapping {
        date: Column::any(&["Date", "Payment Date", "Invoice Date", "Delivery Date"]),
        amounts: Amounts::Settlement {
            gross: Column::any(&[gross]),
            fees: fees.iter().map(|fee| Column::any(&[fee])).collect(),
            vat: Some(Column::any(&["VAT", "VAT Amount"])),
            net: Some(Column::any(&[net])),
        },
        ..mapping
    }
}

fn completed() -> Status {
    Status {
        column: Column::any(&["Status", "Transaction Status"]),
        booked: words(&["Completed", "Success", "Successful"]),
        left_out: words(&["Initiated", "Pending", "Failed", "Cancelled", "Canceled", "Aborted", "Expired"]),
    }
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_mapping_goes_through_configuration_unchanged() {
        for name in Mapping::BUILT_IN {
            let mapping = Mapping::built_in(name).unwrap();
            let written = serde_json::to_string(&mapping).unwrap();
            assert_eq!(serde_json::from_str::<Mapping>(&written).unwrap(), mapping, "{name}");
        }
        assert_eq!(Mapping::built_in("unknown"), None);
    }

    #[test]
    fn a_short_configuration_is_enough_and_a_misspelt_one_is_refused() {
        let short = r#"{"name":"x","date":["Day"],"amounts":{"signed":["Sum"]}}"#;
        assert_eq!(serde_json::from_str::<Mapping>(short).unwrap().date, Column::any(&["Day"]));
        assert!(serde_json::from_str::<Mapping>(&short.replace("date", "dates")).is_err());
    }
}
