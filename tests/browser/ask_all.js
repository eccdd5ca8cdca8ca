// Asks for all that a page could ask for, by each way that there is; returns
// the texts of all answers.
async ({paths, documents, deltas}) => {
    const told = [];
    const read = async (answer) => {
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        const enough = setTimeout(() => reader.cancel(), 1000);
        for (;;) {
            const {done, value} = await reader.read();
            if (done) break;
            text += value;
        }
        clearTimeout(enough);
        return text;
    };
    const get = async (path, options) => read(await fetch(`./${path}`, options));
    for (const path of paths) told.push(await get(path));
    for (const path of paths) told.push(await get(path, {headers: {Accept: 'application/json'}}));
    const resume = {feed: JSON.parse(document.getElementById('state').textContent).feed ?? '', version: 0};
    const post = (query, extensions) => ({
        method: 'POST', body: JSON.stringify({query, extensions}),
        headers: {'Content-Type': 'application/json', Accept: 'text/event-stream, application/json'},
    });
    for (const query of documents) told.push(await get('graphql', post(query)));
    for (const query of [...documents, deltas]) {
        told.push(await get('graphql/stream', post(query)));
        told.push(await get('graphql/stream', post(query, {resume})));
    }
    const socket = (path, protocol, messages) => new Promise((resolve) => {
        const text = [];
        const ws = new WebSocket(new URL(path, location.href.replace(/^http/, 'ws')), protocol);
        ws.binaryType = 'arraybuffer';
        ws.onopen = () => messages.forEach((message) => ws.send(JSON.stringify(message)));
        ws.onmessage = ({data}) => text.push(
            typeof data === 'string' ? data : new TextDecoder('latin1').decode(data));
        ws.onclose = ({reason}) => resolve(text.join('\n') + reason);
        setTimeout(() => ws.close(), 1500);
    });
    const operations = [...documents, deltas].flatMap((query, index) => [{}, {resume}].map(
        (extensions, again) => ({id: `${index}.${again}`, payload: {query, extensions}})));
    const started = (type) => [{type: 'connection_init'}, ...operations.map((one) => ({type, ...one}))];
    told.push(...await Promise.all([
        socket('subscriptions', 'graphql-transport-ws', started('subscribe')),
        socket('subscriptions', 'graphql-ws', started('start')),
        socket('feed', 'cylc-feed.json', []),
        socket('feed', 'cylc-feed.protobuf', []),
        socket('feed', [], []),
    ]));
    return told;
}
