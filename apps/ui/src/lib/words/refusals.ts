/** A sentence for each stable code of a refusal (`protocol::refusal`) and of the transports. The
 * parameters are those of the code, amounts already written. */
export const refusals = {
  'refusal.unknown_subject': [
    'এটা এই মেশিনে জানা নেই। আবার স্ক্যান করুন, বা নেট এলে আবার চেষ্টা করুন',
    'Not known on this device. Scan it again, or try again once there is network',
  ],
  'refusal.wrong_role': ['এই ডিভাইস থেকে কাজটা করা যায় না', 'This device may not do that'],
  'refusal.wrong_state': [
    'এখন করা যাবে না, পার্সেলের অবস্থা: {status}',
    'Not possible now. The parcel is: {status}',
  ],
  'refusal.not_yours': [
    'পার্সেলটা আপনার কাছে নেই। যার রানশিটে আছে তাকে দিন, বা হাবে ফেরত দিন',
    'The parcel is not with you. Give it to whoever has it on the run, or back to the hub',
  ],
  'refusal.cash_needed': ['নিতে হবে {due}। কত নিয়েছেন লিখুন', '{due} is due. Enter what you took'],
  'refusal.amount_differs': [
    'নিতে হবে {due}, লিখেছেন {entered}। টাকা গুনে ঠিক করুন',
    'Due is {due}, you entered {entered}. Count again and fix it',
  ],
  'refusal.bad_amount': ['পুরো টাকা লিখুন, যেমন ১২৫০', 'Enter whole taka, e.g. 1250'],
  'refusal.bad_evidence': ['প্রমাণের ধরন ঠিক নেই। পর্দা বন্ধ করে আবার খুলুন', 'The kind of proof is wrong. Close the screen and open it again'],
  'refusal.more_than_held': [
    'হাতে আছে {held}, লিখেছেন {entered}। আবার গুনুন',
    'You hold {held}, you entered {entered}. Count again',
  ],
  'refusal.over_ceiling': [
    'হাতে {held}, সীমা {ceiling}। আগে টাকা জমা দিন',
    'You hold {held}, the limit is {ceiling}. Hand in cash first',
  ],
  'refusal.notes_differ': [
    'নোট মিলিয়ে হয় {notes}, লিখেছেন {entered}। আবার গুনুন',
    'The notes add up to {notes}, you entered {entered}. Count again',
  ],
  'refusal.already_counted': ['এই জমা আগেই গোনা হয়েছে', 'This hand-in is counted already'],
  'refusal.foreign_agent': ['এই রাইডার এই হাবের না। হাবের রাইডার বাছুন', 'Not an agent of this site. Choose one of its own'],
  'refusal.bad_count': ['একবারে সবচেয়ে বেশি {value}টি। ভাগ করে দিন', 'At most {value} at once. Split it'],
  'refusal.unauthorised': [
    'এই পাতা খোলার অনুমতি নেই। কিয়স্কের লিংক দিয়ে আবার খুলুন',
    'This page may not be opened like this. Open it again from the kiosk link',
  ],
  'refusal.not_found': ['এটা আর নেই। ফিরে গিয়ে আবার খুলুন', 'It is no longer here. Go back and open it again'],
  'refusal.no_answer': [
    'এই মেশিনের GetIt চলছে না। চালু করে আবার চেষ্টা করুন',
    'GetIt on this machine does not answer. Start it and try again',
  ],
  'refusal.disk_full': [
    'মেমোরি শেষ, তাই নতুন লেখা বন্ধ। ৫০ MB খালি করুন। আগের সব লেখা ঠিক আছে',
    'Storage is full, so nothing new can be recorded. Free 50 MB. Everything recorded is kept',
  ],
  'refusal.machinery_failed': [
    'কাজটা হয়নি, কিছু বদলায়নি। আবার চেষ্টা করুন',
    'It did not work and nothing changed. Try again',
  ],
  'refusal.till_open_elsewhere': [
    'এই ক্যাশবক্স আরেক উইন্ডোতে খোলা। ওটা বন্ধ করে আসুন',
    'This till is open in another window. Close that one first',
  ],
  'refusal.shift_not_open': [
    'এই শিফট আগেই বন্ধ হয়েছে। এখনকার টাকা পরের শিফটের',
    'This shift is closed already. What is found now belongs to the next one',
  ],
  'refusal.till_suspended': [
    'ক্যাশবক্স তালাবন্ধ। আগে শিফট আবার চালু করুন',
    'The till is suspended. Resume the shift first',
  ],
  'refusal.till_in_use': ['ক্যাশবক্স চালুই আছে। কাজ চালিয়ে যান', 'The till is not suspended. Go on'],
  'refusal.not_a_refund_code': [
    'ফেরতের কোড এটা না। কাস্টমারের ফোনে ১৬টা অক্ষর আর সংখ্যা আছে',
    'This is no refund code. It is 16 letters and digits, on the customer’s phone',
  ],
  'refusal.refund_ended': [
    'এই ফেরত আগেই মিটে গেছে। কিছু দেবেন না, কাস্টমারকে আমাদের ফোন করতে বলুন',
    'This refund is over already. Give nothing, and let the customer call us',
  ],
  'refusal.more_than_till': [
    '{entered} ক্যাশবক্সে থাকার কথা না। অঙ্কটা দেখুন, নয়তো ক্যাশবক্স গুনুন',
    '{entered} is more than the till has taken. Check the amount, or count the drawer',
  ],
  'refusal.wrong_reason': [
    'এই কারণে টাকা এদিকে যায় না। অন্য কারণ বাছুন, বা “অন্য” দিয়ে কাগজে লিখে রাখুন',
    'Cash does not go this way for that reason. Choose another, or “other”, and say it on the paper',
  ],
  'refusal.cancelled': [
    'কাস্টমার বাতিল করেছেন। পার্সেল দেবেন না, ফেরত পাঠান',
    'The customer cancelled. Do not hand it over, send it back',
  ],
  'refusal.delivered': [
    'এই পার্সেল আগেই দেওয়া হয়েছে। আর টাকা নেবেন না',
    'This parcel was given to the customer already. Take no money',
  ],
  'refusal.recorded_delivered': [
    'লেখা আছে কাস্টমার পেয়েছেন। লেবেল মিলিয়ে দেখুন; পার্সেলটা সত্যিই হাতে থাকলে "ফেরত এসেছে" চাপুন',
    'It is recorded as given to the customer. Look at the label, and say that it is back if it is',
  ],
  'refusal.wrong_site': ['এটা অন্য জায়গার পার্সেল। আলাদা রাখুন', 'This parcel belongs to another site. Set it aside'],
  'refusal.hold_ended': ['রাখার সময় শেষ। ফেরতের তাকে রাখুন', 'The hold is over. Put it with what goes back'],
  'refusal.not_verified': ['আগে কাস্টমারের কোড নিন', 'Ask for the customer\'s code first'],
  'refusal.code_first': ['আগে কোড নিন। পরিচয়পত্র লাগবে কোড বন্ধ হলে', 'Ask for the code first. Papers are for when it is locked'],
  'refusal.code_mismatch': [
    'এটা এই পার্সেলের কোড না। এই পার্সেলের SMS দেখতে বলুন',
    'Not the code of this parcel. Ask for the message about this parcel',
  ],
  'refusal.not_a_code': ['কোডে ৬টি অঙ্ক থাকে। কাস্টমারের SMS দেখুন', 'A code has six digits. Look at the customer\'s message'],
  'refusal.paid': ['পেমেন্ট হয়ে গেছে, টাকা নেবেন না', 'Already paid, take nothing'],
  'refusal.less': ['নিতে হবে {due}, লিখেছেন {entered}। টাকা গুনে ঠিক করুন', 'Due is {due}, you entered {entered}. Count again and fix it'],
  'refusal.more': [
    'নিতে হবে {due}, লিখেছেন {entered}। বাকিটা কাস্টমারকে ফেরত দিন',
    'Due is {due}, you entered {entered}. Give the rest back',
  ],
  'refusal.bad_shelf': ['তাকের নাম ১ থেকে {value} অক্ষর, তাকে যেমন লেখা', 'The shelf is 1 to {value} characters, as written on its sign'],
  'refusal.code_wrong': ['কোড মেলেনি। আর {left} বার চেষ্টা করা যাবে', 'The code does not match. {left} tries left'],
  'refusal.code_other': [
    'কোডটা অন্য পার্সেলের। যে ফোনের শেষে {tail}, সেটার SMS দেখতে বলুন। আর {left} বার',
    'This code is for another parcel. Ask for the SMS on the phone ending {tail}. {left} tries left',
  ],
  'refusal.code_locked': ['৫ বার মেলেনি, কোড বন্ধ। পরিচয়পত্র দেখুন', 'Wrong 5 times, code locked. Look at the customer\'s ID'],
  'refusal.no_picture': ['এটা ছবি নয়। ছবি তুলুন বা JPEG, PNG, WebP বাছুন', 'This is no picture. Take a photo, or choose a JPEG, PNG or WebP'],
  'refusal.picture_too_large': ['ছবি {value} MB-এর বেশি। ছোট করে আবার তুলুন', 'The picture is over {value} MB. Take it again, smaller'],
  'refusal.too_many_pictures': [
    'এই ফোনে আর ছবি রাখার জায়গা নেই। নেটে গেলে আবার তুলুন',
    'No more pictures fit on this phone. Take it again after it had a network',
  ],
  'refusal.no_box': [
    'এই পার্সেলের কোড এখনো এখানে আসেনি। কাস্টমারের ফোনের QR স্ক্যান করুন, বা নেট এলে আবার চেষ্টা করুন',
    'The code of this parcel has not arrived here. Scan the square on the customer\'s phone, or try once there is network',
  ],
  'refusal.stale_link': [
    'লিংকটা আগেই খোলা হয়েছে বা পুরোনো। নতুন লিংক নিন',
    'The link was opened before or is old. Get a new one',
  ],
  'refusal.foreign_page': ['অন্য পাতা থেকে এটা করা যায় না। কিয়স্কের পাতা খুলুন', 'Another page may not do that. Open the kiosk page'],
  'refusal.foreign_name': ['এই ঠিকানায় কিয়স্ক খোলে না। 127.0.0.1 দিয়ে খুলুন', 'The kiosk does not open at this address. Use 127.0.0.1'],
  'refusal.malformed': ['পর্দাটা ঠিকমতো চলেনি। বন্ধ করে আবার খুলুন', 'The screen made a mistake. Close it and open it again'],
  'refusal.not_enrolled': ['এই ডিভাইস এখনো চালু হয়নি। কোড লিখুন', 'This device is not set up yet. Enter the code'],
  'refusal.already_enrolled': ['এই ডিভাইস আগেই চালু হয়েছে। অ্যাপ বন্ধ করে আবার খুলুন', 'This device is set up already. Open the app again'],
  'refusal.second_instance': [
    'অ্যাপটা আরেক উইন্ডোতে খোলা। ওটা ব্যবহার করুন, বা বন্ধ করে আবার খুলুন',
    'The app is open in another window. Use that one, or close it and open this again',
  ],
  'refusal.other_device': [
    'এই ডেটা অন্য ফোনের। এই ফোনের জন্য হাব থেকে নতুন কোড নিন',
    'This data belongs to another device. Get a code of its own for this one',
  ],
  'refusal.other_role': [
    'এই ডেটা অন্য অ্যাপের। যে অ্যাপের, সেটা খুলুন',
    'This data belongs to another app. Open that app',
  ],
  'refusal.damaged': [
    'এই ফোনের ডেটা পড়া যাচ্ছে না। কিছু মুছবেন না, হাবকে ফোন করুন',
    'The data on this device cannot be read. Delete nothing, call the hub',
  ],
  'refusal.folder_unusable': [
    'অ্যাপের ফোল্ডারে লেখা যাচ্ছে না। জায়গা আর অনুমতি দেখুন',
    'The folder of the app cannot be written. Check free space and permissions',
  ],
  'refusal.enrol_code': ['এটা চালু করার কোড না। পুরোটা কপি করুন, getit1: দিয়ে শুরু', 'Not a set-up code. Copy it whole, it begins with getit1:'],
  'refusal.enrol_no_network': ['সার্ভারে পৌঁছানো গেল না। নেট দেখে আবার চেষ্টা করুন', 'The server cannot be reached. Check the network and try again'],
  'refusal.enrol_refused': ['কোডটা আর চলবে না। হাব থেকে নতুন কোড নিন', 'The code is no longer good. Get a new one from the hub'],
  'refusal.enrol_answer': ['সার্ভারের উত্তর ঠিক না। হাবকে জানান', 'The answer of the server is wrong. Tell the hub'],
  'refusal.slip_foreign': ['এটা জমার কোড না। অন্য পর্দার কোডটা স্ক্যান করুন', 'Not the code of a hand-in. Scan the one on the other screen'],
  'refusal.slip_damaged': ['কোডটা পুরো পড়া যায়নি। স্থির ধরে আবার স্ক্যান করুন', 'The code was not read whole. Hold it still and scan again'],
  'refusal.slip_too_large': ['কোডটা জমার কোডের চেয়ে বড়। অন্য পর্দার কোডটা স্ক্যান করুন', 'Larger than the code of a hand-in. Scan the one on the other screen'],
  'refusal.slip_no_handin': ['কোডটা একটা জমার না। অন্য ডিভাইসে জমাটা খুলে তার কোড স্ক্যান করুন', 'Not the code of one hand-in. Open the hand-in on the other device and scan its code'],
  'refusal.slip_unknown_maker': [
    'কে কোড দেখাচ্ছে তা এখানে জানা নেই। টাকার অঙ্ক কাগজে লিখুন, অফিসে ফোন করুন',
    'Whoever shows this code is not known here. Write the amount on paper and call operations',
  ],
  'refusal.slip_not_ours': ['কোডটা অন্য কারো বা অন্য জায়গার। যার, তাকে দেখাতে বলুন', 'This code is for another person or place. Show it where it belongs'],
  'refusal.slip_forged': [
    'কোডটা যে ডিভাইসের নাম বলে সে লেখেনি। এতে কিছু নেবেন না, অফিসে ফোন করুন',
    'This code was not written by the device that it names. Take nothing on it, call operations',
  ],
  'refusal.newer': [
    'কাজটা করা গেল না ({code})। অ্যাপ আপডেট করে আবার চেষ্টা করুন',
    'That is not possible ({code}). Update the app and try again',
  ],
} as const satisfies Record<string, readonly [bn: string, en: string]>;
