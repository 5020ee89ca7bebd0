/** Why a delivery did not happen: a closed list, the keys are the words of the facts. */
export const reasons = {
  'reason.unavailable': ['বাসায় নেই', 'Not at home'],
  'reason.unreachable': ['ফোনে পাইনি', 'No answer'],
  'reason.asked_reschedule': ['অন্য দিন চেয়েছেন', 'Asked for another day'],
  'reason.cash_not_ready': ['টাকা রেডি নেই', 'Cash not ready'],
  'reason.refused': ['নেবেন না', 'Refused'],
  'reason.refused_damaged': ['ভাঙা, তাই নেননি', 'Refused, damaged'],
  'reason.wrong_item': ['ভুল জিনিস', 'Wrong item'],
  'reason.address_wrong': ['ঠিকানা ভুল', 'Wrong address'],
  'reason.address_incomplete': ['ঠিকানা অসম্পূর্ণ', 'Incomplete address'],
  'reason.out_of_area': ['এলাকার বাইরে', 'Out of area'],
  'reason.premises_closed': ['বন্ধ পেয়েছি', 'Closed'],
  'reason.asked_pickup': ['পয়েন্ট থেকে নেবেন', 'Will collect at the point'],
  'reason.fake_order': ['ভুয়া অর্ডার', 'Fake order'],
  'reason.unsafe': ['ঝুঁকি বা আবহাওয়া', 'Unsafe or weather'],
  'reason.hartal': ['হরতাল', 'Hartal'],
  'reasons.customer': ['কাস্টমার', 'Customer'],
  'reasons.address': ['ঠিকানা', 'Address'],
  'reasons.other': ['অন্য কারণ', 'Other'],
} as const satisfies Record<string, readonly [bn: string, en: string]>;

/** The reasons as the screen groups them. */
export const REASONS = {
  customer: ['unavailable', 'unreachable', 'asked_reschedule', 'cash_not_ready', 'refused', 'refused_damaged', 'wrong_item'],
  address: ['address_wrong', 'address_incomplete', 'out_of_area'],
  other: ['premises_closed', 'asked_pickup', 'fake_order', 'unsafe', 'hartal'],
} as const;
