// The records of the scene, each a pure function of its number: an end can check a record that it holds without
// holding a second copy, which would show in its memory.

const WORDS = ('road house market north south river bridge station school tea rice paid open sent ready late morning ' +
  'evening call gate shop lane').split(' ');
const SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const SEED = 20240601;

export const FIELDS = ['id', 'name', 'address', 'phone', 'amount', 'status'];

const texts = {
  repetitive: {
    id: (next, i) => `record-${String(i).padStart(13, '0')}`,
    text: words,
    phone: (next) => `+880170000${String(next(10_000)).padStart(4, '0')}`,
    amount: (next) => `${String(next(100) * 10).padStart(7, '0')}.00`,
  },
  entropy: {
    id: (next, i) => signs(next, 13) + String(i).padStart(7, '0'),
    text: signs,
    phone: (next) => signs(next, 14),
    amount: (next) => signs(next, 10),
  },
};

export const GENERATORS = Object.keys(texts);

export class Scene {
  constructor(generator, n, d) {
    Object.assign(this, { generator, n, d, text: texts[generator] });
    this.apart = Math.floor(n / (2 * d));
  }

  /** The record of this number as the server is filled with it. */
  record(i) {
    const next = numbers(i);
    const { text, phone, amount } = this.text;
    return {
      id: this.id(i, next),
      name: text(next, 40),
      address: text(next, 190),
      phone: phone(next),
      amount: amount(next),
      status: text(next, 60),
    };
  }

  id(i, next = numbers(i)) {
    return this.text.id(next, i);
  }

  /** The status that one end gives this record before `reconnect`. */
  status(i) {
    return this.text.text(numbers(i + this.n), 60);
  }

  /** Spread over the whole set, and never the same record on both ends. */
  changed(role) {
    const first = role === 'server' ? 0 : this.apart;
    return Array.from({ length: this.d }, (_, k) => first + 2 * k * this.apart);
  }

  number(id) {
    return Number(id.slice(-7));
  }

  /** The record of this number as both ends are to hold it once the case is over. */
  wanted(i, name) {
    const record = this.record(i);
    const place = i / this.apart;
    if (name === 'reconnect' && Number.isInteger(place) && place < 2 * this.d) record.status = this.status(i);
    return record;
  }

  /** Whether this end holds what the other end has changed. `held` gives the record of a number as it is here. */
  arrived(role, held) {
    const other = role === 'server' ? 'client' : 'server';
    return this.changed(other).every((i) => held(i).status === this.status(i));
  }

  /** What is wrong with these contents as a sentence, or null. */
  fault(records, name) {
    if (records.length !== this.n) return `there are ${records.length} records, not ${this.n}`;
    const seen = new Set();
    for (const record of records) {
      const i = this.number(record.id);
      if (seen.has(i)) return `record ${record.id} is there twice`;
      seen.add(i);
      const wrong = this.wrong(record, i, name);
      if (wrong) return `record ${record.id} holds another ${wrong} than it should`;
    }
    return null;
  }

  /** The first field that is not as it should be. */
  wrong(record, i, name) {
    if (!(i >= 0 && i < this.n)) return 'id';
    const wanted = this.wanted(i, name);
    return FIELDS.find((field) => record[field] !== wanted[field]);
  }
}

/** Mulberry32, seeded for one record. */
function numbers(i) {
  let state = Math.imul(SEED ^ (i + 1), 0x9e3779b1);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function words(next, length) {
  let text = '';
  while (text.length < length) text += `${WORDS[next(WORDS.length)]} `;
  return text.slice(0, length);
}

function signs(next, length) {
  let text = '';
  while (text.length < length) text += SIGNS[next(SIGNS.length)];
  return text;
}
