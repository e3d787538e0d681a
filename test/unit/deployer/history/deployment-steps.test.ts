import { describe, expect, it } from '@jest/globals';
import {
  DEPLOYMENT_STEPS,
  isUnderWay,
  mayFollow,
  requireStep,
} from '#host/deployer/history/deployment-steps.js';

describe('the steps of a deployment', () => {
  it('are these, in this order', () => {
    expect(DEPLOYMENT_STEPS).toEqual([
      'seen',
      'validated',
      'expanded',
      'starting',
      'healthy',
      'serving',
      'draining',
      'stopped',
      'removed',
      'failed',
    ]);
  });

  it('follow one another in this way and no other', () => {
    const ways = DEPLOYMENT_STEPS.map(
      (from) => `${from} -> ${DEPLOYMENT_STEPS.filter((to) => mayFollow(from, to)).join(' ')}`,
    );
    expect(ways).toEqual([
      'seen -> validated stopped failed',
      'validated -> expanded stopped failed',
      'expanded -> starting removed failed',
      'starting -> healthy stopped failed',
      'healthy -> serving stopped failed',
      'serving -> draining stopped failed',
      'draining -> serving stopped',
      'stopped -> removed',
      'removed -> ',
      'failed -> draining stopped removed',
    ]);
    expect(DEPLOYMENT_STEPS.filter((to) => mayFollow(undefined, to))).toEqual(['seen', 'expanded']);
  });

  it('are refused where the table does not have them', () => {
    expect(() => requireStep('deployment 3 of shop', 'stopped', 'serving')).toThrow(
      'deployment 3 of shop cannot be serving: it is stopped. This is possible only when it is healthy or draining.',
    );
    expect(() => requireStep('deployment 3 of shop', 'healthy', 'serving')).not.toThrow();
  });

  it('may have processes until it is stopped', () => {
    expect(DEPLOYMENT_STEPS.filter((step) => !isUnderWay(step))).toEqual([
      'expanded',
      'stopped',
      'removed',
      'failed',
    ]);
  });
});
