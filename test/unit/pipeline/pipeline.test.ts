import { describe, expect, it } from '@jest/globals';
import { AttributeKey, Attributes, Pipeline, PipelinePhase } from 'portico';

const A = new PipelinePhase('A');
const B = new PipelinePhase('B');

describe('Pipeline', () => {
  it('gives the subject itself, no promise, when all interceptors are synchronous', () => {
    const pipeline = new Pipeline<string, undefined>([A]);
    pipeline.intercept(A, (run) => void run.proceedWith(`${run.subject}!`));
    expect(pipeline.execute(undefined, 'x')).toBe('x!');
    expect(new Pipeline<string, undefined>([A]).execute(undefined, 'x')).toBe('x');
  });

  it('skips an interceptor of one type when the subject is of another', async () => {
    const pipeline = new Pipeline<unknown, undefined>([A]);
    pipeline.interceptWhen(
      A,
      (subject) => typeof subject === 'string',
      (run, text) => run.proceedWith(text.toUpperCase()),
    );
    expect(await pipeline.execute(undefined, 'x')).toBe('X');
    expect(await pipeline.execute(undefined, 5)).toBe(5);
  });

  it('throws what a synchronous interceptor throws, rejects with what an asynchronous one throws', async () => {
    const error = new Error('on purpose');
    const pipeline = new Pipeline<string, undefined>([A]);
    pipeline.intercept(A, () => {
      throw error;
    });
    expect(() => pipeline.execute(undefined, 'x')).toThrow(error);
    const later = new Pipeline<string, undefined>([A]);
    later.intercept(A, () => Promise.reject(error));
    await expect(later.execute(undefined, 'x')).rejects.toBe(error);
  });

  it('waits for what a synchronous interceptor started with proceed()', async () => {
    const seen: string[] = [];
    const pipeline = new Pipeline<string, undefined>([A, B]);
    pipeline.intercept(A, (run) => {
      void run.proceed();
      seen.push('not awaited');
    });
    pipeline.intercept(A, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push('slow');
    });
    pipeline.intercept(B, () => void seen.push('last'));
    await pipeline.execute(undefined, 'x');
    expect(seen).toEqual(['not awaited', 'slow', 'last']);
  });

  it('leaves a run that is going on alone when an interceptor is added', async () => {
    const seen: string[] = [];
    const pipeline = new Pipeline<string, undefined>([A]);
    pipeline.intercept(A, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push('first');
    });
    const run = pipeline.execute(undefined, 'x');
    pipeline.intercept(A, () => void seen.push('added'));
    await run;
    expect(seen).toEqual(['first']);
    await pipeline.execute(undefined, 'x');
    expect(seen).toEqual(['first', 'first', 'added']);
  });

  it('becomes equal to another one only while it has no interceptors', () => {
    const from = new Pipeline<string, undefined>([A]);
    from.intercept(A, (run) => {
      run.subject = 'from';
    });
    const target = new Pipeline<string, undefined>([B]);
    target.resetFrom(from);
    expect(target.items).toEqual([A]);
    expect(target.execute(undefined, 'x')).toBe('from');
    expect(() => target.resetFrom(from)).toThrow(TypeError);
  });
});

describe('Attributes', () => {
  const key = new AttributeKey<number>('test.number');

  it('keeps one value a name, also for two keys of that name', () => {
    const attributes = new Attributes();
    attributes.put(key, 1);
    expect(attributes.get(new AttributeKey<number>('test.number'))).toBe(1);
    expect(attributes.allKeys).toEqual(['test.number']);
  });

  it('throws for a value that is not there, and for a blank name', () => {
    const attributes = new Attributes();
    expect(() => attributes.get(key)).toThrow('No instance for key');
    expect(() => attributes.take(key)).toThrow('No instance for key');
    expect([attributes.getOrNull(key), attributes.takeOrNull(key)]).toEqual([undefined, undefined]);
    expect(() => new AttributeKey(' ')).toThrow('not blank');
  });

  it('makes an absent value once and takes it away', () => {
    const attributes = new Attributes();
    let made = 0;
    const factory = (): number => ++made;
    attributes.computeIfAbsent(key, factory);
    expect([
      attributes.computeIfAbsent(key, factory),
      attributes.take(key),
      attributes.contains(key),
    ]).toEqual([1, 1, false]);
  });
});
