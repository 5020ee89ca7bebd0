/** Why something waits for a ruling (`protocol::contest`), and what the person does. */
export const contests = {
  'contest.goods_and_money': [
    'কাস্টমার পণ্য পেয়েছেন, টাকাও ফেরত পাচ্ছেন। অপারেশনস যেকোনো একটা ফেরত চাইবে',
    'The customer has the goods and gets the money back. Operations will ask for one of the two',
  ],
  'contest.contested_delivery': [
    'দুজন বলছেন তাঁরা দিয়েছেন। সুপারভাইজার দুজনকেই ফোন করবেন',
    'Two people say they delivered this. The supervisor will call both',
  ],
  'contest.cancelled_and_delivered': [
    'পথে থাকতে অর্ডার বাতিল হয়েছিল। টাকা রেখে দিন, হাব ফোন করবে',
    'The order was cancelled on the way. Keep the cash, operations will call',
  ],
  'contest.not_in_custody': [
    'পার্সেলটা আপনার রানে ছিল না। টাকা রেখে দিন, সুপারভাইজার দেখবেন',
    'The parcel was not on your run. Keep the cash, the supervisor will sort it out',
  ],
  'contest.back_after_delivery': [
    'লেখা আছে দেওয়া হয়েছে, অথচ পার্সেলটা হাবে। অপারেশনস কাস্টমারকে ফোন করবে, কোনটা ঠিক না বলবে',
    'It is recorded as delivered, and a hub has it. Operations will call the customer, and say which is not so',
  ],
  'contest.unlisted_pair': [
    'এই পার্সেলের দুটো লেখা মিলছে না। সুপারভাইজার দেখবেন',
    'Two records of this parcel do not fit together. The supervisor will look',
  ],
  'contest.double_tap_differs': [
    'দুই অঙ্কে দুবার লেখা হয়েছে। সিদ্ধান্ত পর্যন্ত বড়টা ধরা হবে',
    'Recorded twice with two amounts. The larger counts until there is a ruling',
  ],
  'contest.second_count': [
    'এই জমা দুবার গোনা হয়েছে। প্রথমটা থাকবে, হিসাব বিভাগ দেখবে',
    'This hand-in was counted twice. The first stands, finance will look',
  ],
  'contest.wrong_giver': [
    'জমা আর গোনায় দুই রাইডারের নাম। হিসাব বিভাগ দেখবে',
    'Offer and count name two agents. Finance will look at both',
  ],
  'contest.revoked_author': [
    'যে ডিভাইসে লেখা, সেটা বন্ধ করা হয়েছিল। যাচাই চলছে',
    'The device that recorded this had been withdrawn. It is being checked',
  ],
  'contest.absurd_amount': [
    'এত টাকা হওয়ার কথা না। সুপারভাইজার ফোন করবেন',
    'The amount cannot be right. The supervisor will call',
  ],
  'contest.duplicate_money': [
    'কাস্টমার দুবার টাকা দিয়েছেন। দ্বিতীয়টা ফেরত যাবে',
    'The customer paid twice. The second payment goes back',
  ],
  'contest.subject_full': [
    'এক জিনিসে অনেক বেশি লেখা। হাব ডিভাইসটা দেখবে',
    'Too many records on one thing. Operations will look at the device',
  ],
} as const satisfies Record<string, readonly [bn: string, en: string]>;
