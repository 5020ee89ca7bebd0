// One end of the link as a process of its own. It answers what run.mjs asks over the channel between them.

import { Scene } from './records.mjs';

const { system, role, dir, generator, n, d, compress } = JSON.parse(process.argv[2]);
const engine = await import(`./${system}.mjs`);
const scene = new Scene(generator, n, d);
const end = role === 'reader' ? { stored: engine.stored } : await engine[role](dir, scene, compress);
end.about = () => ({ version: engine.version, settings: engine.settings(compress), durable: engine.durable });
let expected;
// Answered before the other end may begin, so that nothing it does is missed.
end.expect = (name) => {
  expected = Promise.resolve(end.settled(name));
  // Whoever asks for it gets the error.
  expected.catch(() => {});
};
end.expected = () => expected;
// The peak since the process began, in kilobytes.
end.peak = () => process.resourceUsage().maxRSS;

process.on('message', async ({ id, method, given }) => {
  try {
    process.send({ id, answer: await end[method](...given) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
// The parent is gone, however it went.
process.on('disconnect', () => process.exit(1));
process.send({ ready: true });
