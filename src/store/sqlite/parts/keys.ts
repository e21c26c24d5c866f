// Keys in SQLite: one table per key type, the record as JSON beside the columns that are searched by.
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
    const sql = `INSERT INTO ${keyTable(key.type)} (key_id, revision, create_time, user_id, organization_id,
      service_account_id, slot_id, slot_number, request_key, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (key_id) DO NOTHING`;
    const { owner, slot } = key;
    return this.#sql.transaction(() => {
      const inserted = this.#sql.run(
        sql,
        key.keyId,
        key.revision,
        key.createTime,
        owner.userId ?? null,
        owner.organizationId ?? null,
        owner.serviceAccountId ?? null,
        slot?.id ?? null,
        slot?.number ?? null,
        key.request?.key ?? null,
        JSON.stringify(key),
      );
      if (inserted === 0) return false;
      appendEvent(this.#sql, event);
      return true;
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

  async replaceMac(keyId: string, generation: number, from: Mac, to: Mac): Promise<boolean> {
    const type = keyTypeOf(keyId);
    if (type === undefined) return false;
    return this.#sql.transaction(() => {
      const key = this.#readRow(type, "WHERE key_id = ?", keyId);
      const found = key?.generations.find(({ number }) => number === generation);
      if (key === undefined || found?.mac.version !== from.version || found.mac.value !== from.value)
        return false;
      const [newest, ...older] = key.generations;
      const replace = (candidate: typeof newest) =>
        candidate === found ? { ...candidate, mac: to } : candidate;
      return this.#replace({ ...key, generations: [replace(newest), ...older.map(replace)] }, key.revision);
    });
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

  // The columns beside the record never change after the insert, so only the record and its revision are
  // written.
  #replace(key: KeyRecord, revision: number): boolean {
    const sql = `UPDATE ${keyTable(key.type)} SET revision = ?, record = ? WHERE key_id = ? AND revision = ?`;
    return this.#sql.run(sql, key.revision, JSON.stringify(key), key.keyId, revision) === 1;
  }

  #listType(type: KeyType, { owner, after, limit }: KeyQuery): readonly KeyRecord[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const narrow = (condition: string, ...bound: readonly (string | number)[]) => {
      conditions.push(condition);
      values.push(...bound);
    };
    if (owner.userId) narrow("user_id = ?", owner.userId);
    if (owner.organizationId) narrow("organization_id = ?", owner.organizationId);
    if (owner.serviceAccountId) narrow("service_account_id = ?", owner.serviceAccountId);
    if (after) narrow("(create_time, key_id) > (?, ?)", after.createTime, after.keyId);
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const sql = `SELECT record FROM ${keyTable(type)} ${where} ORDER BY create_time, key_id LIMIT ?`;
    return this.#sql
      .all<RecordRow>(sql, ...values, limit)
      .map(({ record }) => JSON.parse(record) as KeyRecord);
  }
}
