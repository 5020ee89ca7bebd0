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
    'মেমোরি শেষ। কিছু ছবি বা ফাইল মুছে আবার চেষ্টা করুন। আগের সব লেখা ঠিক আছে',
    'Storage is full. Delete some pictures or files and try again. Everything recorded is kept',
  ],
  'refusal.machinery_failed': [
    'কাজটা হয়নি, কিছু বদলায়নি। আবার চেষ্টা করুন',
    'It did not work and nothing changed. Try again',
  ],
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
  'refusal.newer': [
    'কাজটা করা গেল না ({code})। অ্যাপ আপডেট করে আবার চেষ্টা করুন',
    'That is not possible ({code}). Update the app and try again',
  ],
} as const satisfies Record<string, readonly [bn: string, en: string]>;
