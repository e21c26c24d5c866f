// Keys in SQLite: one table per key type, the record as JSON beside the columns that are searched by.
import { isDeepStrictEqual } from "node:util";
import type { Mac } from "../../../domain/api-key/digests.ts";
import { keyTypeOf } from "../../../domain/api-key/key-id.ts";
import type { Event } from "../../../domain/audit/event.ts";
import type { KeyRecord } from "../../../domain/key.ts";
import { KEY_TYPES, type KeyType } from "../../../domain/key-type.ts";
import { mergeKeys } from "../../merge-keys.ts";
import type { KeyQuery, KeyStore, WriteOutcome } from "../../store.ts";
import { keyTable } from "../schema.ts";
import type { Statements } from "../statements.ts";
import { appendEvent } from "./events.ts";

interface RecordRow {
  readonly record: string;
}

export class SqliteKeys implements KeyStore {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  async insert(key: KeyRecord, event: Event): Promise<boolean> {
    return this.#sql.transaction(() => {
      if (!this.#insertRow(key)) return false;
      appendEvent(this.#sql, event);
      return true;
    });
  }

  async insertBatch(keys: readonly KeyRecord[], event: Event): Promise<readonly boolean[]> {
    return this.#sql.transaction(() => {
      const areWritten = keys.map((key) => this.#insertRow(key));
      if (areWritten.includes(true)) appendEvent(this.#sql, event);
      return areWritten;
    });
  }

  async read(keyId: string): Promise<KeyRecord | undefined> {
    const type = keyTypeOf(keyId);
    return type === undefined ? undefined : this.#readRow(type, "WHERE key_id = ?", keyId);
  }

  async update(next: KeyRecord, event: Event): Promise<WriteOutcome> {
    return this.#sql.transaction(() => {
      if (!this.#replace(next, next.revision - 1)) return "conflict";
      appendEvent(this.#sql, event);
      return "written";
    });
  }

  async confirm(keyId: string, revision: number): Promise<boolean> {
    const type = keyTypeOf(keyId);
    if (type === undefined) return false;
    const sql = `UPDATE ${keyTable(type)} SET confirmations = confirmations + 1
      WHERE key_id = ? AND revision = ?`;
    return this.#sql.run(sql, keyId, revision) === 1;
  }

  async replaceMac(keyId: string, generation: number, from: Mac | undefined, to: Mac): Promise<boolean> {
    const type = keyTypeOf(keyId);
    if (type === undefined) return false;
    return this.#sql.transaction(() => {
      const key = this.#readRow(type, "WHERE key_id = ?", keyId);
      const found = key?.generations.find(({ number }) => number === generation);
      if (key === undefined || found === undefined || !isDeepStrictEqual(found.mac, from)) return false;
      const [newest, ...older] = key.generations;
      const replace = (candidate: typeof newest) =>
        candidate === found ? { ...candidate, mac: to } : candidate;
      return this.#replace({ ...key, generations: [replace(newest), ...older.map(replace)] }, key.revision);
    });
  }

  async remove(keyId: string, revision: number): Promise<boolean> {
    const type = keyTypeOf(keyId);
    if (type === undefined) return false;
    const sql = `DELETE FROM ${keyTable(type)} WHERE key_id = ? AND revision = ?`;
    return this.#sql.run(sql, keyId, revision) === 1;
  }

  async list(query: KeyQuery): Promise<readonly KeyRecord[]> {
    return mergeKeys(
      query.types.map((type) => this.#listType(type, query)),
      query.limit,
    );
  }

  async readSlotHolder(type: KeyType, slotId: string): Promise<KeyRecord | undefined> {
    return this.#readRow(type, "WHERE slot_id = ? ORDER BY slot_number DESC LIMIT 1", slotId);
  }

  async readRequest(requestKey: string): Promise<KeyRecord | undefined> {
    for (const type of KEY_TYPES) {
      const key = this.#readRow(type, "WHERE request_key = ? LIMIT 1", requestKey);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  #readRow(type: KeyType, where: string, ...values: readonly string[]): KeyRecord | undefined {
    const row = this.#sql.get<RecordRow>(`SELECT record FROM ${keyTable(type)} ${where}`, ...values);
    return row === undefined ? undefined : (JSON.parse(row.record) as KeyRecord);
  }

  #insertRow(key: KeyRecord): boolean {
    const sql = `INSERT INTO ${keyTable(key.type)} (revision, record, user_id, organization_id,
      service_account_id, name, expire_time, create_time, slot_id, slot_number, request_key, key_id)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key_id) DO NOTHING`;
    const { slot, request } = key;
    const fixed = [key.createTime, slot?.id ?? null, slot?.number ?? null, request?.key ?? null, key.keyId];
    return this.#sql.run(sql, ...changingValues(key), ...fixed) === 1;
  }

  // The time of creation, the place and the request of a key stay as they were at the insert.
  #replace(key: KeyRecord, revision: number): boolean {
    const sql = `UPDATE ${keyTable(key.type)} SET revision = ?, record = ?, user_id = ?, organization_id = ?,
      service_account_id = ?, name = ?, expire_time = ? WHERE key_id = ? AND revision = ?`;
    return this.#sql.run(sql, ...changingValues(key), key.keyId, revision) === 1;
  }

  #listType(type: KeyType, { owner, after, limit, ...query }: KeyQuery): readonly KeyRecord[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const narrow = (condition: string, ...bound: readonly (string | number)[]) => {
      conditions.push(condition);
      values.push(...bound);
    };
    if (owner.userId) narrow("user_id = ?", owner.userId);
    if (owner.organizationId) narrow("organization_id = ?", owner.organizationId);
    if (owner.serviceAccountId) narrow("service_account_id = ?", owner.serviceAccountId);
    if (query.name !== undefined) narrow("name = ?", query.name);
    if (query.expireFrom !== undefined) narrow("expire_time >= ?", query.expireFrom);
    if (query.expireBefore !== undefined) narrow("expire_time < ?", query.expireBefore);
    if (after) narrow("(create_time, key_id) > (?, ?)", after.createTime, after.keyId);
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const sql = `SELECT record FROM ${keyTable(type)} ${where} ORDER BY create_time, key_id LIMIT ?`;
    return this.#sql
      .all<RecordRow>(sql, ...values, limit)
      .map(({ record }) => JSON.parse(record) as KeyRecord);
  }
}

/** The values of the columns that a change can change, in the order in which the statements name them. */
function changingValues(key: KeyRecord): readonly (string | number | null)[] {
  const { userId = null, organizationId = null, serviceAccountId = null } = key.owner;
  const owner = [userId, organizationId, serviceAccountId];
  return [key.revision, JSON.stringify(key), ...owner, key.name, key.expireTime ?? null];
}
