import { encodeQR } from 'qr';
import decodeQR from 'qr/decode.js';
import { describe, expect, it } from 'vitest';

/** A picture of a code as a camera sees it: so many pixels a module, grey on grey, a little noise. */
function picture(text: string, pixels: number, noise: number): { width: number; height: number; data: Uint8ClampedArray } {
  const code = encodeQR(text, 'raw', { ecc: 'low', border: 4 });
  const side = code.length * pixels;
  const data = new Uint8ClampedArray(side * side * 4);
  let random = 7;
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      const dark = code[Math.floor(y / pixels)]?.[Math.floor(x / pixels)] === true;
      const grey = (dark ? 60 : 190) + ((random >> 16) % (2 * noise + 1)) - noise;
      const at = (y * side + x) * 4;
      data.set([grey, grey, grey, 255], at);
    }
  }
  return { width: side, height: side, data };
}

/** Letters of a slip: capitals and digits, as long as asked. */
function slip(letters: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let random = 11;
  let text = 'SLIP1:';
  while (text.length < letters) {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += alphabet[(random >> 16) % 32] ?? 'A';
  }
  return text;
}

describe('the code of a hand-in', () => {
  // The longest that the node writes (protocol/src/slip.rs, MAX_CHARS), and the usual one.
  for (const letters of [400, 900, 1_600]) {
    it(`of ${letters} letters is read from a grey picture with noise`, () => {
      const text = slip(letters);
      expect(decodeQR(picture(text, 5, 20))).toBe(text);
    });
  }

  it('that is cut is not read', () => {
    const { width, height, data } = picture(slip(400), 5, 0);
    expect(() => decodeQR({ width, height: Math.floor(height / 2), data: data.slice(0, width * Math.floor(height / 2) * 4) })).toThrow();
  });
});
