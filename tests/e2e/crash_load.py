"""Load for the tests that kill leatd: producers, consumers and an administrator that write down what they were promised,
and the check of a daemon against these notes."""

import random
import threading
from collections import defaultdict, deque

from daemon import Stamped, content, read_batches, split_batches, stamp_of
from leat_client import Client, ConnectionEnded, LeatError, pb

SHUTTING_DOWN = 6
# (records, bytes of a value): from one small record to a batch of some 190 KiB.
SHAPES = [Stamped(*shape) for shape in ((1, 10), (3, 60), (20, 40), (1, 3000), (10, 1500), (40, 1000), (3, 65000))]
CONFIG = {"segment_bytes": "256KiB", "batch_bytes_max": "256KiB", "index_interval_bytes": "1KiB"}
ENDED = (ConnectionEnded, ConnectionError, OSError)


class Ledger:
    """What clients know. `sent`: per partition and connection the batches in the order sent; `acked`: base offset ->
    batch; `seen`: base offset -> bytes that a consumer got, the broker's stamps included."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = defaultdict(dict)
        self.acked = defaultdict(dict)
        self.seen = defaultdict(dict)
        self.topics = {}  # name -> partition count, of those that have to be there
        self.undecided = {}  # name -> what was asked for without an answer: "create" or "delete"
        self.connections = 0
        self.problems = []

    def next_connection(self):
        with self.lock:
            self.connections += 1
            return self.connections

    def forget(self, topic):
        """The topic is gone, and with it everything that was promised about it."""
        self.topics.pop(topic, None)
        for notes in (self.sent, self.acked, self.seen):
            for key in [key for key in list(notes) if key[0] == topic]:
                del notes[key]

    def totals(self):
        return sum(len(a) for a in self.acked.values()), sum(len(s) for s in self.seen.values())


class Worker(threading.Thread):
    """One client in a thread, until stop() or until its connection ends."""

    def __init__(self, ledger, address, seed):
        super().__init__(daemon=True)
        self.ledger = ledger
        self.address = address
        self.random = random.Random(seed)
        self.stopping = threading.Event()

    def run(self):
        try:
            self.client = Client(self.address, timeout=60)
        except ENDED:
            return
        try:
            self.work()
        except ENDED:
            pass
        except LeatError as error:
            # A daemon that was asked to stop says so to each new request, until the kill takes it.
            if error.code != SHUTTING_DOWN:
                self.ledger.problems.append("%s: %r" % (type(self).__name__, error))
        except Exception as error:  # told by the test, whose thread this is not
            self.ledger.problems.append("%s: %r" % (type(self).__name__, error))
        finally:
            try:
                self.drain()
            except (LeatError, *ENDED):
                pass
            self.client.close()

    def drain(self):
        """Takes the replies that had come before the connection ended."""


class Producer(Worker):
    """Keeps many produce requests in flight, each of several batches to several partitions."""

    def __init__(self, ledger, address, seed, topics):
        super().__init__(ledger, address, seed)
        self.topics = topics
        self.number = ledger.next_connection()
        self.in_flight = deque()

    def work(self):
        depth = self.random.choice([1, 4, 16, 64])
        largest = self.random.choice([2, 4, len(SHAPES)])
        acks = self.random.choice([[pb.ACK_DURABLE], [pb.ACK_DURABLE, pb.ACK_WRITTEN]])
        while not self.stopping.is_set():
            entries = [self.next_entry(largest) for _ in range(self.random.choice([1, 1, 2, 5]))]
            correlation_id = self.client.send_produce(entries, ack=self.random.choice(acks))
            self.in_flight.append((correlation_id, entries))
            while len(self.in_flight) >= depth:
                self.take_one()
        while self.in_flight:
            self.take_one()

    def next_entry(self, largest):
        topic = self.random.choice(list(self.topics))
        partition = self.random.randrange(self.topics[topic])
        sent = self.ledger.sent[topic, partition].setdefault(self.number, [])
        batch = SHAPES[self.random.randrange(largest)].batch(self.number, len(sent), partition)
        # Noted before it is sent: what was sent may be stored although nobody was told.
        sent.append(content(batch))
        return topic, partition, batch

    def take_one(self):
        correlation_id, entries = self.in_flight[0]
        reply, _ = self.client.wait(correlation_id)
        self.in_flight.popleft()
        for (topic, partition, batch), result in zip(entries, reply.results):
            if result.error.code:
                self.ledger.problems.append("produce to %s-%d: %s" % (topic, partition, result.error))
            else:
                self.ledger.acked[topic, partition][result.base_offset] = content(batch)

    def drain(self):
        while self.in_flight:
            self.take_one()


class Consumer(Worker):
    """Reads all partitions with waiting fetches and notes what it saw."""

    def __init__(self, ledger, address, seed, topics):
        super().__init__(ledger, address, seed)
        self.positions = {(t, p): 0 for t, count in topics.items() for p in range(count)}
        for partition, seen in ledger.seen.items():
            if partition in self.positions and seen:
                base = max(seen)
                self.positions[partition] = base + 1  # inside a batch: the same batch comes again

    def work(self):
        while not self.stopping.is_set():
            asked = [(t, p, offset) for (t, p), offset in self.positions.items()]
            self.random.shuffle(asked)
            replies = self.client.fetch(asked, max_wait_ms=200, min_bytes=1, max_bytes=4 << 20)
            for (topic, partition, offset), (result, data) in zip(asked, replies):
                if result.error.code:
                    self.ledger.problems.append("fetch of %s-%d at %d: %s" % (topic, partition, offset, result.error))
                for base, count, batch in split_batches(data):
                    self.note((topic, partition), base, batch)
                    self.positions[topic, partition] = base + count

    def note(self, partition, base, batch):
        before = self.ledger.seen[partition].setdefault(base, batch)
        if before != batch:
            self.ledger.problems.append("%s-%d: offset %d changed under a consumer" % (*partition, base))


class Administrator(Worker):
    """Creates topics, writes to them and deletes them again, some under a name that was there before."""

    def work(self):
        number = self.ledger.next_connection()
        mine = {name: count for name, count in self.ledger.topics.items() if name.startswith("churn-")}
        while not self.stopping.is_set():
            name = "churn-%d" % self.random.randrange(12)
            if name in mine:
                self.ledger.undecided[name] = "delete"
                self.client.delete_topic(name)
                del mine[name]
                self.ledger.forget(name)
            else:
                mine[name] = self.random.randrange(1, 5)
                self.ledger.undecided[name] = "create"
                self.ledger.topics[name] = mine[name]
                self.client.create_topic(name, mine[name], CONFIG)
            del self.ledger.undecided[name]
            if name in mine:
                self.fill(number, name, mine[name])

    def fill(self, number, name, count):
        for partition in range(count):
            sent = self.ledger.sent[name, partition].setdefault(number, [])
            batch = self.random.choice(SHAPES[:4]).batch(number, len(sent), partition)
            sent.append(content(batch))
            result = self.client.produce([(name, partition, batch)])[0]
            if result.error.code:
                raise LeatError(result.error)
            self.ledger.acked[name, partition][result.base_offset] = content(batch)


def settle_topics(ledger, client):
    """Decides from what is there how requests without an answer ended; a list of complaints."""
    there = {topic.name: topic.partition_count for topic in client.metadata()}
    complaints = []
    for name, asked in ledger.undecided.items():
        if name not in there:
            ledger.forget(name)
        elif asked == "delete" or there[name] == ledger.topics[name]:
            ledger.topics[name] = there[name]
    ledger.undecided.clear()
    for name, count in ledger.topics.items():
        if there.get(name) != count:
            complaints.append("topic %s should have %d partitions, has %s" % (name, count, there.get(name)))
    complaints += ["topic %s should not be there" % name for name in there if name not in ledger.topics]
    return complaints


def check_partition(ledger, client, topic, partition):
    """Reads a whole partition and compares it with the notes; a list of complaints."""
    key = (topic, partition)
    where = "%s-%d" % key
    complaints = []
    next_offset = 0
    stored = {}
    taken = defaultdict(int)
    for base, count, batch in read_batches(client, topic, partition):
        if base != next_offset:
            complaints.append("%s: offset %d follows %d" % (where, base, next_offset - 1))
        next_offset = base + count
        stored[base] = batch
        connection, number, _ = stamp_of(batch)
        sent = ledger.sent[key].get(connection, [])
        # In the order sent, each once, without a gap, and byte for byte.
        if number != taken[connection] or number >= len(sent) or sent[number] != content(batch):
            complaints.append("%s: at %d stands batch %d of connection %d, expected was %d" %
                              (where, base, number, connection, taken[connection]))
        taken[connection] = number + 1
    for base, batch in ledger.acked[key].items():
        if base not in stored or content(stored[base]) != batch:
            complaints.append("%s: acknowledged at offset %d and not there (end %d)" % (where, base, next_offset))
    for base, batch in ledger.seen[key].items():
        if stored.get(base) != batch:
            complaints.append("%s: read at offset %d before, and now %s" %
                              (where, base, "another" if base in stored else "gone"))
    # What was lost with the crash will never come: forget it, so that the next round knows what to expect.
    for connection, sent in ledger.sent[key].items():
        del sent[taken[connection]:]
    return complaints
