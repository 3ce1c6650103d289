/* The protocol of base/module_ref: users get, use and put while a remover takes the code away and
 * brings it back. Memory is x86's: each thread's plain stores wait in its store buffer; a locked
 * instruction and a membarrier empty it.
 *
 * -DATOMIC, -DPERCPU or -DPERTHREAD choose the scheme; each -DWITHOUT_... takes one thing out that
 * keeps it right. What is checked: nobody uses code that is gone; no count goes below 0; a remover
 * who waits is told (else the model ends with processes that have not).
 */

#define USERS 2
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef CYCLES
#define CYCLES 2
#endif

#define SHUT 0
#define OPEN 1
#define GONE 2

byte gate = SHUT;
bool whole = false;         /* the code is mapped */
short shared = 0;           /* ATOMIC: twice the users, plus 1 for the base reference */
bool told = false;          /* on_unused was called */

/* Slots: in memory, and what is still in the owner's store buffer. */
byte slot_gets[USERS];
byte slot_puts[USERS];
byte late_gets[USERS];
byte late_puts[USERS];

/* Restartable sequences. */
bool inside[USERS];
bool restarted[USERS];

/* The remover's store to the gate, while it is in its buffer. */
bool gate_late = false;
byte gate_next = SHUT;

inline drain(t) {
    slot_gets[t] = slot_gets[t] + late_gets[t];
    late_gets[t] = 0;
    slot_puts[t] = slot_puts[t] + late_puts[t];
    late_puts[t] = 0
}

inline drain_gate() {
    if
    :: gate_late -> gate = gate_next; gate_late = false
    :: else
    fi
}

/* Store buffers empty by themselves, some time. */
active proctype hardware() {
    byte t;
end:
    do
    :: atomic { gate_late -> drain_gate() }
    :: atomic { late_gets[0] > 0 -> slot_gets[0]++; late_gets[0]-- }
    :: atomic { late_gets[1] > 0 -> slot_gets[1]++; late_gets[1]-- }
    :: atomic { late_puts[0] > 0 -> slot_puts[0]++; late_puts[0]-- }
    :: atomic { late_puts[1] > 0 -> slot_puts[1]++; late_puts[1]-- }
    od
}

/* users(): one load a step. `own` adds what the reader's own store buffer holds. */
inline count_users(sum, own) {
#ifdef ATOMIC
    sum = shared >> 1
#else
#ifndef WITHOUT_READING_ORDER
    sum = shared;
    sum = sum - slot_puts[0] - (own == 0 -> late_puts[0] : 0);
    sum = sum - slot_puts[1] - (own == 1 -> late_puts[1] : 0);
    sum = sum + slot_gets[0] + (own == 0 -> late_gets[0] : 0);
    sum = sum + slot_gets[1] + (own == 1 -> late_gets[1] : 0)
#else
    sum = slot_gets[0] + (own == 0 -> late_gets[0] : 0);
    sum = sum + slot_gets[1] + (own == 1 -> late_gets[1] : 0);
    sum = sum - slot_puts[0] - (own == 0 -> late_puts[0] : 0);
    sum = sum - slot_puts[1] - (own == 1 -> late_puts[1] : 0);
    sum = sum + shared
#endif
#endif
}

inline tell_if_unused(me) {
    if
    :: gate == SHUT ->
        count_users(sum, me);
        if
        :: sum == 0 -> told = true
        :: else
        fi
    :: else
    fi
}

/* --- users: `got` says whether get took a reference */

#ifdef ATOMIC
inline get(me) {
    do
    :: true ->
        old = shared;
        if
#ifndef WITHOUT_BASE_CHECK
        :: (old & 1) == 0 -> got = false; break
#endif
        :: else ->
            atomic {
                if
                :: shared == old -> shared = old + 2; got = true; break
                :: else
                fi
            }
        fi
    od
}
inline put(me) {
    atomic { shared = shared - 2; assert(shared >= 0) }
    tell_if_unused(me)
}
#endif

#ifdef PERCPU
/* One restartable sequence: reads the gate, then adds to its slot, or starts again. */
inline sequence(me, counter) {
    do
    :: true ->
        atomic { inside[me] = true; restarted[me] = false; seen = gate };
        atomic {
            if
            :: restarted[me] -> inside[me] = false
            :: !restarted[me] && seen == OPEN -> counter++; inside[me] = false; got = true; break
            :: !restarted[me] && seen != OPEN -> inside[me] = false; got = false; break
            fi
        }
    od
}
inline get(me) {
    sequence(me, late_gets[me])
}
inline put(me) {
    sequence(me, late_puts[me]);
    if
    :: got
    :: else ->
#ifndef WITHOUT_SHARED_PUT
        atomic { drain(me); shared-- };
        tell_if_unused(me)
#else
        late_puts[me]++
#endif
    fi
}
#endif

#ifdef PERTHREAD
inline get(me) {
#ifndef WITHOUT_COUNT_FIRST
    late_gets[me]++;
    got = (gate == OPEN);
#else
    got = (gate == OPEN);
    late_gets[me]++;
#endif
    if
    :: got
    :: else ->
        atomic { drain(me); shared-- };
        tell_if_unused(me)
    fi
}
inline put(me) {
    late_puts[me]++;
    if
    :: gate == OPEN
    :: else ->
#ifndef WITHOUT_FENCE
        atomic { drain(me) };
#endif
        tell_if_unused(me)
    fi
}
#endif

proctype user(byte me) {
    byte round;
    short sum;
    short old;
    byte seen;
    bool got;
    for (round : 1 .. ROUNDS) {
        get(me);
        if
        :: got ->
            assert(whole);  /* a first use, */
            assert(whole);  /* and a later one */
            put(me)
        :: else
        fi
    }
}

/* --- the remover */

inline set_gate(value) {
    atomic { drain_gate(); gate_late = true; gate_next = value }
}

inline barrier_on_all() {
#ifdef WITHOUT_MEMBARRIER
    skip
#else
    atomic {
        drain_gate();
        drain(0);
        drain(1);
#ifndef WITHOUT_RESTART
        restarted[0] = inside[0];
        restarted[1] = inside[1];
#endif
    }
#endif
}

inline shut_gate() {
#ifdef ATOMIC
    atomic { gate = SHUT };
    atomic { shared = shared & ~1 }
#else
#ifndef WITHOUT_SHUTTING
    set_gate(SHUT);
#endif
    barrier_on_all()
#endif
}

/* open_gate(): what open() and a refused removal do. */
inline open_gate() {
#ifdef ATOMIC
    atomic { shared = shared | 1 };
#endif
    atomic { drain_gate(); gate = OPEN }
}

proctype remover() {
    byte cycle;
    short sum;
    for (cycle : 1 .. CYCLES) {
        whole = true;
        open_gate();
        do
        :: true ->  /* try_remove() */
            shut_gate();
            count_users(sum, 9);
            assert(sum >= 0);
            if
            :: sum == 0 -> break
            :: else -> open_gate()
            fi
        :: true ->  /* shut(), then settle() when told */
            told = false;
            shut_gate();
            do
            :: true ->
                count_users(sum, 9);
                assert(sum >= 0);
                if
                :: sum == 0 -> break
                :: else -> told -> told = false
                fi
            od;
            break
        od;
        atomic { drain_gate(); gate = GONE };
        whole = false
    }
}

init {
    atomic {
        run remover();
        run user(0);
        run user(1)
    }
}
