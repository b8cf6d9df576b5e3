import type { ActivityDependencies } from '../../src/activities/index.js';
import {
  RollgateError,
  type Direction,
  type ErrorCode,
  type Obstacle,
  type Side,
} from '../../src/contracts/index.js';
import { ModelCopies } from './model-copies.js';
import { migrationFacet } from './model-migration-facet.js';
import { modelSystem } from './model-system.js';
import { Model, modelDependencies } from './model.js';

export const synchronousSetting = 'b1/synchronous';

/**
 * A source and a destination in memory, over {@link ModelCopies}: for tests of the saga, not of any system. Clients
 * write before and after each effect.
 */
export class MigrationModel {
  readonly copies = new ModelCopies();
  readonly clusters: Record<Side, Model> = {
    source: new Model('17.10', ['a1', 'a2']),
    destination: new Model('18.4', ['b1', 'b2']),
  };
  /** Effects that really changed something on either side, in order: `fence source`, `destination scratch`. */
  readonly effects: string[] = [];
  obstacles: Obstacle[] = [];
  /** What has come up since, and keeps the writes from moving in a direction. */
  readonly inTheWay: Record<Direction, Obstacle[]> = { forward: [], back: [] };
  /** What the definitions of both sides differ in. */
  definitions: string[] = [];
  /** So many fences are given up from now on. */
  lateFences = 0;
  /** Sequences of which A alone cannot tell where they are. */
  uncertain: string[] = [];
  /** A has gone for good. */
  sourceLost = false;
  /** B has gone for good. */
  lost = false;
  /** Called before each effect; may throw to make it fail. */
  onEffect: (effect: string) => void | Promise<void> = () => undefined;
  /** Called when an effect has happened; may throw so that nobody learns of it. */
  afterEffect: (effect: string) => void | Promise<void> = () => undefined;
  /** Called with each method of the facet and what it is about, e.g. `hashRange destination orders`; may throw. */
  onCall: (call: string) => void = () => undefined;

  constructor() {
    for (const side of ['source', 'destination'] as const) {
      this.clusters[side].onEffect = (text) => this.onEffect(`${side} ${text}`);
      this.clusters[side].afterEffect = (text) => {
        this.effects.push(`${side} ${text}`);
        return this.afterEffect(`${side} ${text}`);
      };
    }
  }

  async effect(text: string, act: () => void): Promise<void> {
    this.copies.write();
    await this.onEffect(text);
    act();
    this.effects.push(text);
    this.copies.write();
    await this.afterEffect(text);
  }

  /** The nth call whose text begins so fails, with this code. */
  fail(beginning: string, code: ErrorCode, nth = 1): void {
    const before = this.onCall;
    let calls = 0;
    this.onCall = (call) => {
      before(call);
      if (call.startsWith(beginning) && ++calls === nth) {
        throw new RollgateError(code, `${call} fails`, 'Remove the cause.');
      }
    };
  }

  /** Somebody has ended the session that held it. */
  loseSnapshot(side: Side, name: string): void {
    if (!this.copies[side].held.delete(name)) throw new RangeError(`the ${side} holds no ${name}`);
  }

  /** B goes for good, with everything that A has not been sent; its clients have no answer from then on. */
  loseDestination(): void {
    if (this.synchronous) this.copies.flow('back');
    this.copies.destination.open = false;
    this.lost = true;
  }

  /** Whether B confirms a write only when A has it. */
  get synchronous(): boolean {
    return this.clusters.destination.settings.get(synchronousSetting) !== undefined;
  }

  /** Nothing of a migration is anywhere, and B is as empty as it was. */
  get untouched(): boolean {
    const { source, destination } = this.copies;
    return (
      this.copies.nothingLeft &&
      source.open &&
      destination.tables.size === 0 &&
      destination.schema === 'none' &&
      !this.synchronous &&
      !this.clusters.source.scratch &&
      !this.clusters.source.probing
    );
  }
}

/** The ports over one side of a model. */
export function migrationDependencies(model: MigrationModel, side: Side): ActivityDependencies {
  const cluster = model.clusters[side];
  const migration = migrationFacet(model);
  return { ...modelDependencies(cluster), system: () => ({ ...modelSystem(cluster), migration }) };
}
