// @ts-check
// The page's script: signs up, checks receipts and counts, over the API that anybody may use. What
// comes from outside is only ever set as text.

const EVENT = document.querySelector('main')?.dataset.event;
const RECEIPT = /^[\w-]{43}$/;
const BUSY = [429, 503]; // Refused without effect.

/** What is wrong with a field, by the codes of the contract. @type {Record<string, Record<string, string>>} */
const FIELD_ERRORS = {
  email: {
    missing_field: 'Please give your e-mail address.',
    invalid_field: 'Please give your e-mail address.',
    too_long: 'An e-mail address has at most 254 characters.',
    invalid_email: 'Please give one address alone, such as ann@example.org: without mailto:, brackets, or a comma or full stop at its end.',
  },
  name: {
    missing_field: 'Please give your name.',
    invalid_field: 'Please give your name.',
    too_long: 'A name may have at most 200 characters.',
    invalid_character: 'This name has a character that cannot be seen. Please type it instead of pasting it.',
  },
};

/** What the states of a signup mean, and why an event takes none. @type {Record<string, string>} */
const MEANING = {
  recorded: 'Recorded: the signup is in the database.',
  accepted: 'Accepted: the signup is stored safely, and will soon be recorded in the database.',
  event_not_open: 'This event does not take signups yet.',
  event_closed: 'This event takes no more signups. A receipt that you have stays good.',
};

/** @type {(id: string) => any} */
const element = (id) => document.getElementById(id);
/** @type {(text: string) => void} */
const say = (text) => void (element('message').textContent = text);
/** @type {(seconds: number) => Promise<void>} */
const sleep = (seconds) => new Promise((done) => setTimeout(done, 1_000 * seconds));
/** @type {(time: string) => string} */
const when = (time) => new Date(time).toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'long' });
/** A name as it reads by itself, whatever the directions of it and of the sentence. @type {(name: string) => string} */
const isolated = (name) => `\u2068${name}\u2069`;

/** Whether an answer is waited for. */
let waiting = false;
/** Buttons are not disabled meanwhile: a disabled one loses the focus. @type {(wait: boolean) => void} */
const hold = (wait) => {
  waiting = wait;
  document.querySelectorAll('button').forEach((button) => button.setAttribute('aria-disabled', String(wait)));
};

/** One request; status 0: no answer, or none in JSON. @param {string} path @param {RequestInit} [init] */
async function ask(path, init) {
  const sent = Date.now();
  try {
    // The service answers within 2 s; what takes longer is lost on the way.
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(`/v1/events/${EVENT}${path}`, { ...init, signal, cache: 'no-store' });
    // `Date` is the server's time at some instant between `sent` and now, cut to seconds. If it cannot
    // be, the clocks of server and reader differ; if they differ and it can, then by about a second.
    const served = Date.parse(response.headers.get('date') ?? '');
    const inStep = sent < served + 1_000 && served <= Date.now();
    const wait = Number(response.headers.get('retry-after')) || 1;
    return { status: response.status, body: await response.json(), wait, inStep };
  } catch {
    return { status: 0, body: {}, wait: 1, inStep: false };
  }
}

/** The signup or check that is shown now; an earlier one that still waits must not overwrite it. */
let turn = 0;

/** @param {string} text */
function begin(text) {
  hold(true);
  showErrors([]);
  say(text);
  // What is said gets the focus that would go with the button.
  if (document.activeElement === element('again')) element('message').focus();
  element('proof').hidden = element('again').hidden = true;
  element('copy').textContent = 'Copy';
  return ++turn;
}

/** Says beside each field what is wrong with it. @param {{pointer: string, code: string}[]} errors */
function showErrors(errors) {
  for (const [field, texts] of Object.entries(FIELD_ERRORS)) {
    const error = errors.find(({ pointer }) => pointer === `/${field}`);
    element(`${field}-error`).textContent = error ? (texts[error.code] ?? 'This is not accepted.') : '';
    element(field).setAttribute('aria-invalid', String(error !== undefined));
  }
  element('signup').querySelector('[aria-invalid=true]')?.focus();
}

/** Addresses of which an attempt may have been stored. @type {Set<string>} */
const unsure = new Set();

/** @param {string} signup the body of the request */
async function signUp(signup) {
  const who = JSON.parse(signup).email.trim().toLowerCase();
  const mine = begin('Signing up…');
  const headers = { 'content-type': 'application/json' };
  const { status, body, wait } = await ask('/signups', { method: 'POST', headers, body: signup });
  const refused = BUSY.includes(status);
  const unknown = status === 0 || (status >= 500 && !refused);
  if (unknown) unsure.add(who);
  if (status >= 200 && status < 300) unsure.delete(who);
  if (mine !== turn) return;
  // A refusal says what became of this attempt, and nothing of those before it.
  const before = unsure.has(who) ? ' Whether an earlier attempt was stored is not known yet; repeating is safe.' : '';
  if (refused) {
    const busy = `The service is busy, and stored nothing of this attempt.${before}`;
    say(`${busy} Try again in ${wait} s.`);
    await sleep(wait);
    if (mine !== turn) return;
    hold(false);
    return say(`${busy} Please try again now.`);
  }
  hold(false);
  if (status === 200) return show(mine, body, `You had signed up before, on ${when(body.signed_up_at)}.`);
  if (status === 201 || status === 202) return show(mine, body, 'You are signed up.');
  if (unknown || before) {
    element('again').onclick = () => waiting || signUp(signup);
    element('again').hidden = false;
  }
  if (unknown) {
    return say('It is not known whether your signup was stored. Repeating is safe: you get one signup and one receipt.');
  }
  showErrors(body.errors ?? []);
  const marked = element('signup').querySelector('[aria-invalid=true]');
  const why = marked ? 'Nothing of this attempt was stored. Please correct what is marked.' : (MEANING[body.code] ?? body.detail);
  say(`${why}${before}`);
}

/** @param {string} receipt */
async function check(receipt) {
  const mine = begin('Checking…');
  const path = RECEIPT.test(receipt) ? `/signups/${receipt}` : null;
  const { status, body, wait } = path ? await ask(path) : { status: 404, body: {}, wait: 0 };
  if (mine !== turn) return;
  hold(false);
  if (status === 404) return say('This is not a receipt for this event.');
  if (status !== 200) {
    return say(`The receipt could not be checked now, which says nothing about it. Try again in ${wait} s.`);
  }
  const whose = body.name === null ? '' : ` ${isolated(body.name)} signed up on ${when(body.signed_up_at)}.`;
  return show(mine, body, `This receipt is good.${whose}`);
}

/** Shows a receipt, and follows it until recorded. @param {number} mine @param {any} signup @param {string} what */
async function show(mine, signup, what) {
  // To be bookmarked. No browser sends the fragment to a server, so the receipt is in no log.
  history.replaceState(null, '', `/events/${EVENT}#${signup.receipt}`);
  element('receipt').textContent = signup.receipt;
  element('proof').hidden = false;
  say(`${what} ${MEANING[signup.status]}`);
  const end = Date.now() + 60_000;
  for (let pause = 1; signup.status === 'accepted'; pause = Math.min(1.3 * pause, 5)) {
    await sleep(pause);
    const { status, body, wait } = await ask(`/signups/${signup.receipt}`);
    if (mine !== turn) return;
    if (status === 200 && body.status === 'recorded') {
      // 202 is also the answer to a repeat: only the time of the first signup tells it from a new one.
      const before = Date.parse(body.signed_up_at) < Date.parse(signup.signed_up_at);
      const said = before ? `You had signed up before, on ${when(body.signed_up_at)}.` : what;
      return say(`${said} ${MEANING.recorded}`);
    }
    if (Date.now() > end) {
      return say(`${what} Accepted, but not seen as recorded within a minute. Keep the receipt and check it later.`);
    }
    if (BUSY.includes(status)) await sleep(wait);
  }
}

/** When the count was counted, by the reader's clock: NaN where that cannot be told. @type {number | null} */
let asOf = null;
let interval = 2_000;
let timer = 0;

/** Counts every 2 s while the page is seen, and more rarely while there is no answer. */
async function count() {
  clearTimeout(timer);
  if (document.visibilityState !== 'visible') return;
  const { status, body, inStep } = await ask('');
  if (status === 200) {
    element('counted').hidden = false;
    element('count').textContent = body.signups.toLocaleString('en-GB');
    asOf = inStep ? Date.parse(body.as_of) : NaN;
  }
  interval = status === 200 ? 2_000 : Math.min(2 * interval, 30_000);
  clearTimeout(timer);
  timer = setTimeout(count, interval);
}

const checkFragment = () => void (location.hash && check(location.hash.slice(1)));
document.querySelectorAll('time').forEach((time) => void (time.textContent = when(time.dateTime)));
document.addEventListener('visibilitychange', count);
addEventListener('hashchange', checkFragment);
element('signup').onsubmit = (/** @type {SubmitEvent} */ submit) => {
  submit.preventDefault();
  if (!waiting) signUp(JSON.stringify(Object.fromEntries(new FormData(element('signup')))));
};
element('check').onsubmit = (/** @type {SubmitEvent} */ submit) => {
  submit.preventDefault();
  // A bookmark is taken too: it is the page's address with the receipt at its end.
  if (!waiting) check(element('known').value.trim().split('#').pop());
};
element('copy').onclick = async () => {
  try {
    await navigator.clipboard.writeText(element('receipt').textContent);
    element('copy').textContent = 'Copied';
  } catch {
    // Without TLS a page has no clipboard: it is marked, to be copied by hand.
    getSelection()?.selectAllChildren(element('receipt'));
  }
};
document.querySelectorAll('button').forEach((button) => {
  button.disabled = false;
  // A double click is one: its second half would repeat what the first was just answered.
  button.addEventListener('click', (click) => void (click.detail > 1 && click.preventDefault()));
});
setInterval(() => {
  if (asOf === null) return;
  const age = (Date.now() - asOf) / 1_000;
  element('age').textContent = age >= 0 ? `as of ${age.toFixed(1)} s ago` : '';
}, 500);
count();
checkFragment();
