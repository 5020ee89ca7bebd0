//! Example files for tests. All names and numbers are made up.

/// Version 02: a credit, a debit, a reversal of a credit and a pending entry.
pub(super) const CAMT_02: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr>
<Stmt><Id>2026-305</Id><Acct><Id><Othr><Id>1501203456789001</Id></Othr></Id><Ccy>BDT</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="BDT">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-11-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="BDT">1900.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-11-01</Dt></Dt></Bal>
<Ntry><Amt Ccy="BDT">1250.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-11-01</Dt></BookgDt><AcctSvcrRef>BR-0001</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>E2E-1</EndToEndId><TxId>TX-1</TxId><InstrId>NOTPROVIDED</InstrId></Refs>
<RltdPties><Dbtr><Nm>Rahima Khatun</Nm></Dbtr><Cdtr><Nm>GetIt</Nm></Cdtr></RltdPties>
<RmtInf><Ustrd>GI-7K3Q9 সার্ভিস &amp; delivery</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="BDT">250.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><DtTm>2026-11-01T13:05:00+06:00</DtTm></BookgDt><AddtlNtryInf>Account fee</AddtlNtryInf></Ntry>
<Ntry><Amt Ccy="BDT">100.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-11-01</Dt></BookgDt><AcctSvcrRef>BR-0003</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Karim Mia</Nm></Dbtr></RltdPties></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="BDT">77.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts></Ntry>
</Stmt></BkToCstmrStmt></Document>
"#;

/// Version 08 with a namespace prefix, an overdrawn opening told as previous closing, and an informational entry.
pub(super) const CAMT_08: &str = r#"<?xml version="1.0"?>
<n:Document xmlns:n="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><n:BkToCstmrStmt>
<n:Stmt><n:Id>S-8</n:Id><n:Acct><n:Id><n:IBAN>BD00TEST0001</n:IBAN></n:Id></n:Acct>
<n:Bal><n:Tp><n:CdOrPrtry><n:Cd>PRCD</n:Cd></n:CdOrPrtry></n:Tp><n:Amt Ccy="BDT">100</n:Amt>
<n:CdtDbtInd>DBIT</n:CdtDbtInd></n:Bal>
<n:Bal><n:Tp><n:CdOrPrtry><n:Cd>CLBD</n:Cd></n:CdOrPrtry></n:Tp><n:Amt Ccy="BDT">200.0</n:Amt>
<n:CdtDbtInd>CRDT</n:CdtDbtInd></n:Bal>
<n:Ntry><n:Amt Ccy="BDT">500</n:Amt><n:CdtDbtInd>CRDT</n:CdtDbtInd><n:Sts><n:Cd>BOOK</n:Cd></n:Sts>
<n:BookgDt><n:Dt>2026-11-02</n:Dt></n:BookgDt><n:NtryDtls><n:TxDtls><n:RltdPties>
<n:Dbtr><n:Pty><n:Nm>Salma Begum</n:Nm></n:Pty></n:Dbtr></n:RltdPties></n:TxDtls></n:NtryDtls></n:Ntry>
<n:Ntry><n:Amt Ccy="BDT">200.00</n:Amt><n:CdtDbtInd>DBIT</n:CdtDbtInd><n:Sts><n:Cd>BOOK</n:Cd></n:Sts>
<n:ValDt><n:Dt>2026-11-02</n:Dt></n:ValDt><n:NtryDtls><n:TxDtls><n:Refs><n:AcctSvcrRef>BR-8</n:AcctSvcrRef></n:Refs>
</n:TxDtls></n:NtryDtls></n:Ntry>
<n:Ntry><n:Amt Ccy="USD">9.99</n:Amt><n:Sts><n:Cd>INFO</n:Cd></n:Sts></n:Ntry>
</n:Stmt></n:BkToCstmrStmt></n:Document>
"#;

/// A statement in two messages that follow one another, with every kind of mark and narrative.
pub(super) const MT940: &str = "{1:F01TESTBDDHAXXX0000000000}{2:I940TESTBDDHXXXXN}{4:\r
:20:STMT-1\r
:25:1501203456789001\r
:28C:305/1\r
:60F:C261231BDT1000,00\r
:61:2612310101C1250,50NTRFINV-77//BR-0001\r
Supplement 1\r
:86:166?00TRANSFER?20EREF+E2E-1?21SVWZ+GI-7K3Q9 thank you?32Rahima?33 Khatun\r
:61:261231DT250,NCHGNONREF\r
:86:Account fee for a long month, booked by the branch, with words up\r
to the next text line\r
:62M:C270101BDT2000,50\r
-}\r
{1:F01TESTBDDHAXXX0000000000}{2:I940TESTBDDHXXXXN}{4:\r
:20:STMT-2\r
:25:1501203456789001\r
:28C:305/2\r
:60M:C270101BDT2000,50\r
:61:270102RC100,00NRTI0000123//BR-0003\r
:86:/EREF/E2E-9/NAME/Karim Mia/REMI/taken back\r
:61:270102RD40,50NMSCNONREF//BR-0004\r
:62F:C270102BDT1941,00\r
:64:C270102BDT1941,00\r
:86:Words about the whole statement\r
-}\r
";

/// A bank's CSV with a preamble, quoted cells, an opening row, Bangla digits and a total.
pub(super) const BANK: &str = "\
Statement of account
Account No:,1501203456789001

Date,Particulars,Ref No,Withdrawal,Deposit,Balance
01/11/2026,Balance forward,,,,\"1,00,000.00\"
01/11/2026,\"GI-7K3Q9,
Rahima Khatun\",FT-1,,\"1,250.50\",\"1,01,250.50\"
02/11/2026,Cheque 000123,FT-2,৫০০.০০,0.00,\"1,00,750.50\"
02/11/2026,Profit,,,10,\"1,00,760.50\"
Total,,,500.00,\"1,260.50\",
";

/// A wallet's statement in the assumed columns of bKash, with a refund and a failed payment.
pub(super) const BKASH: &str = "\
Date,TrxID,Customer Wallet,Merchant Invoice,Amount,Charge,Net Amount,Status
2026-11-01 10:15:00,6H7801QFYM,01700000001,INV-1,1000.00,15.00,985.00,Completed
2026-11-01 11:00:00,6H7801QFYN,01700000002,INV-2,500.00,7.50,492.50,Failed
2026-11-02 09:00:00,6H7801QFYP,01700000001,INV-1,-200.00,-3.00,-197.00,Completed
";

/// A courier's remittance in the assumed columns of Pathao: a delivery and a return.
pub(super) const PATHAO: &str = "\
Date,Consignment ID,Merchant Order ID,Invoice ID,Collected Amount,Delivery Fee,COD Fee,Paid Amount
01-Nov-26,DA0111AAAA01,INV-1,PI-9,1060,80,10.60,969.40
01-Nov-26,DA0111AAAA02,INV-2,PI-9,0,60,0,-60.00
";
