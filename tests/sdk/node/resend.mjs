// Every method of emails, batch, apiKeys and domains of the official SDK, against the gateway at RESEND_BASE_URL.
import assert from 'node:assert/strict';
import { Resend } from 'resend';

const resend = new Resend(process.env.RESEND_API_KEY);
const missing = '01a20ce2-04e6-7000-869d-bd98f167a3d5';

async function ok(call) {
  const { data, error } = await call;
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

async function fails(call, statusCode, name) {
  const { data, error } = await call;
  assert.equal(data, null);
  assert.equal(error.name, name);
  assert.equal(error.statusCode, statusCode);
}

async function until(call, done) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await ok(call());
    if (done(found)) return found;
    assert.ok(Date.now() < deadline, `in vain: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const mail = { from: 'Acme <onboarding@resend.dev>', to: ['delivered@resend.dev'], subject: 'Hello', html: '<b>Hi</b>' };

// emails
const sent = await ok(resend.emails.send({
  ...mail, replyTo: 'desk@resend.dev', cc: 'carl@resend.dev', tags: [{ name: 'kind', value: 'test' }],
  headers: { 'X-Entity-Ref-ID': '1' },
  attachments: [{ filename: 'a.txt', content: Buffer.from('attached') }, { filename: 'i.png', content: 'aW1n', contentId: 'logo' }],
}));
const delivered = await until(() => resend.emails.get(sent.id), (email) => email.last_event === 'delivered');
assert.deepEqual(delivered.to, ['delivered@resend.dev']);
assert.deepEqual(delivered.reply_to, ['desk@resend.dev']);
assert.equal(delivered.html, '<b>Hi</b>');
assert.equal(delivered.message_id, `<${sent.id}@resend.dev>`);
const first = await ok(resend.emails.send(mail, { idempotencyKey: 'node-1' }));
assert.deepEqual(await ok(resend.emails.send(mail, { idempotencyKey: 'node-1' })), first);
await fails(resend.emails.send({ ...mail, subject: 'Other' }, { idempotencyKey: 'node-1' }), 409, 'invalid_idempotent_request');
const page = await ok(resend.emails.list({ limit: 1 }));
assert.equal(page.data[0].id, first.id);
assert.equal(page.has_more, true);
assert.equal((await ok(resend.emails.list({ limit: 1, after: first.id }))).data[0].id, sent.id);
const scheduled = await ok(resend.emails.send({ ...mail, scheduledAt: 'in 1 hour' }));
assert.deepEqual(await ok(resend.emails.update({ id: scheduled.id, scheduledAt: new Date(Date.now() + 7_200_000).toISOString() })), { object: 'email', id: scheduled.id });
assert.deepEqual(await ok(resend.emails.cancel(scheduled.id)), { object: 'email', id: scheduled.id });
assert.equal((await ok(resend.emails.get(scheduled.id))).last_event, 'canceled');
await fails(resend.emails.get(missing), 404, 'not_found');
await fails(resend.emails.send({ ...mail, from: 'a@elsewhere.test' }), 403, 'validation_error');
for (const name of ['bounced', 'complained', 'suppressed']) {
  const { id } = await ok(resend.emails.send({ ...mail, to: `${name}@resend.dev` }));
  await until(() => resend.emails.get(id), (email) => email.last_event === name);
}

// batch
const batch = await ok(resend.batch.send([mail, { ...mail, subject: 'Second' }]));
assert.equal(batch.data.length, 2);
await until(() => resend.emails.get(batch.data[1].id), (email) => email.last_event === 'delivered');
const mixed = await ok(resend.batch.send([mail, { ...mail, to: 'broken' }], { batchValidation: 'permissive' }));
assert.equal(mixed.data.length, 1);
assert.equal(mixed.errors[0].index, 1);
await fails(resend.batch.send([mail, { ...mail, to: 'broken' }]), 422, 'validation_error');

// apiKeys
const key = await ok(resend.apiKeys.create({ name: 'Node', permission: 'sending_access' }));
assert.match(key.token, /^re_/);
const limited = new Resend(key.token);
await ok(limited.emails.send(mail));
await fails(limited.domains.list(), 401, 'restricted_api_key');
assert.ok((await ok(resend.apiKeys.list())).data.some((item) => item.id === key.id && item.last_used_at));
assert.equal((await ok(resend.apiKeys.update(key.id, { name: 'Renamed' }))).id, key.id);
assert.ok((await ok(resend.apiKeys.list())).data.some((item) => item.name === 'Renamed'));
await ok(resend.apiKeys.remove(key.id));
await fails(limited.emails.send(mail), 401, 'validation_error');

// domains
const domain = await ok(resend.domains.create({ name: 'node.test', customReturnPath: 'out', capabilities: { receiving: 'enabled' } }));
assert.equal(domain.status, 'not_started');
assert.deepEqual([...new Set(domain.records.map((record) => record.record))], ['DKIM', 'SPF', 'DMARC', 'Receiving']);
assert.equal((await ok(resend.domains.get(domain.id))).name, 'node.test');
assert.ok((await ok(resend.domains.list())).data.some((item) => item.id === domain.id));
assert.equal((await ok(resend.domains.update({ id: domain.id, tls: 'enforced', openTracking: true }))).id, domain.id);
assert.equal((await ok(resend.domains.get(domain.id))).open_tracking, true);
assert.equal((await ok(resend.domains.verify(domain.id))).id, domain.id);
assert.notEqual((await ok(resend.domains.get(domain.id))).status, 'not_started');
assert.equal((await ok(resend.domains.remove(domain.id))).deleted, true);
await fails(resend.domains.get(domain.id), 404, 'not_found');

console.log('ok');
