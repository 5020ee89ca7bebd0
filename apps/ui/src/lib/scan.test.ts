import { describe, expect, it } from 'vitest';
import { character, Scanner, type Heard } from './scan';

function type(scanner: Scanner, text: string, from: number, gap: number, end = 'Enter'): Heard {
  let at = from;
  for (const sign of text) {
    const digit = /[0-9]/.test(sign);
    scanner.hear({ code: digit ? `Digit${sign}` : `Key${sign.toUpperCase()}`, shift: !digit && sign < 'a', at });
    at += gap;
  }
  return scanner.hear({ code: end, shift: false, at });
}

describe('a scanner', () => {
  it('is heard wherever the focus is, and a person typing is not', () => {
    const scanner = new Scanner();
    expect(type(scanner, 'GT447188237', 1000, 5)).toEqual({ is: 'scan', text: 'GT447188237' });
    expect(type(scanner, 'GT447188237', 9000, 60)).toEqual({ is: 'typing' });
    expect(type(scanner, '12345', 20_000, 5)).toEqual({ is: 'typing' });
    expect(type(scanner, '123456', 30_000, 35, 'Tab')).toEqual({ is: 'scan', text: '123456' });
  });
  it('that beeps twice did it once', () => {
    const scanner = new Scanner();
    type(scanner, 'GT447188237', 1000, 5);
    expect(type(scanner, 'GT447188237', 2000, 5)).toEqual({ is: 'repeated', text: 'GT447188237' });
    expect(type(scanner, 'GT447188237', 9000, 5)).toEqual({ is: 'scan', text: 'GT447188237' });
  });
  it('does not take letters that a person typed just before', () => {
    const scanner = new Scanner();
    scanner.hear({ code: 'KeyR', shift: false, at: 0 });
    expect(type(scanner, 'GT447188237', 500, 5)).toEqual({ is: 'scan', text: 'GT447188237' });
  });
  it('reads places on the keyboard, so that a Bangla layout changes nothing', () => {
    expect(character('KeyG', true)).toBe('G');
    expect(character('Numpad7', false)).toBe('7');
    expect(character('Digit8', true)).toBe('*');
    expect(character('ArrowLeft', false)).toBeNull();
  });
});
