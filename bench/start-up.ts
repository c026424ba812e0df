import { answered, startDemo, temporaryDir } from './running.ts';

/** From an empty directory to the first answer, to the first learned model, and the second start. */
export async function startUp() {
  const dir = await temporaryDir();
  try {
    const first = await startDemo(dir.path);
    await answered(first.url);
    const firstAnswer = first.elapsed();
    await answered(first.url, 'NETWORK');
    const firstNetwork = first.elapsed();
    await first.stop();
    const second = await startDemo(dir.path);
    await answered(second.url);
    const again = second.elapsed();
    await second.stop();
    return [
      row('first answer', firstAnswer, 45),
      row('first trained model', firstNetwork, 360),
      row('answer after a second start', again, 5),
    ];
  } finally {
    await dir.remove();
  }
}

const row = (what: string, seconds: number, limit: number) => ({
  what,
  seconds: Number(seconds.toFixed(1)),
  limit,
  met: seconds < limit ? 'yes' : 'NO',
});
