package main

import (
	"math"
	"sort"
)

// reduced leaves out of the history of one register what cannot change the verdict, and takes the open ends out of
// it. The search for an order grows steeply with the number of operations that are under way at once, and an
// operation that never returns is under way for ever.
//
// All of it rests on each value being written once: in any order that explains the history, a write and the reads of
// its value stand together as a block, with no other write between them.
//
// Open ends. A write whose value was read took effect before each of those reads did, so before the first of them
// returned: that becomes its return. (If its call is later still, the call does, and the read stays unexplained.) One
// whose value nobody read is left out: put at the very end, it disturbs nothing.
//
// Unread writes that returned. They must have taken effect within their time, but not inside of the block of another
// value, where a read would have seen them. Where a block must be is known: from the first return of its operations to
// the last call, its zone (Gibbons and Korach 1997, "Testing shared memories"). An unread write whose time lies
// strictly within the zone of a value has no place at all; it stays, and makes the violation. Any other is left out:
//
//   - An order with it is still one without it, since no read saw it.
//   - An order without it has a place for it. Blocks with a zone can shrink to it: each of their operations was under
//     way at some moment of the zone. The other blocks can shrink to one moment, at which all of their operations were
//     under way. Zones then do not overlap, and the time of the write is not within one, so it holds a moment that is
//     in none.
//
// Reads between. Of the reads of a value, the one that returned first and the one that was called last make its zone;
// with these and the write explained, each other has its place in the same block.
func reduced(operations []operation) []operation {
	bounded := boundedBySight(operations)
	zones := zonesOf(bounded)
	kept := make([]operation, 0, len(bounded))
	for i, op := range bounded {
		ends, isRead := zones.ends[op.value]
		switch {
		case op.kind == write && !isRead && !zones.hold(op):
		case op.kind == read && i != ends.firstReturned && i != ends.lastCalled:
		default:
			kept = append(kept, op)
		}
	}
	return kept
}

// boundedBySight gives open-ended writes the return of the first read of their value.
func boundedBySight(operations []operation) []operation {
	firstSeen := map[int]int64{}
	for _, op := range operations {
		if op.kind != read {
			continue
		}
		if first, seen := firstSeen[op.value]; !seen || op.returned < first {
			firstSeen[op.value] = op.returned
		}
	}
	bounded := append([]operation(nil), operations...)
	for i, op := range bounded {
		if first, seen := firstSeen[op.value]; seen && op.returned == openEnded {
			bounded[i].returned = max(first, op.call)
		}
	}
	return bounded
}

// ends of the reads of one value: indexes of operations.
type ends struct {
	firstReturned, lastCalled int
}

type zone struct {
	firstReturn, lastCall int64
}

// zones of the values that were read, by first return; each lastCall is the latest of those up to it.
type zones struct {
	ends  map[int]ends
	order []zone
}

func zonesOf(operations []operation) zones {
	byValue := map[int]ends{}
	for i, op := range operations {
		if op.kind != read {
			continue
		}
		e, ok := byValue[op.value]
		if !ok || op.returned < operations[e.firstReturned].returned {
			e.firstReturned = i
		}
		if !ok || op.call > operations[e.lastCalled].call {
			e.lastCalled = i
		}
		byValue[op.value] = e
	}
	zoneOf := map[int]zone{}
	for value, e := range byValue {
		zoneOf[value] = zone{operations[e.firstReturned].returned, operations[e.lastCalled].call}
	}
	// The initial value was there before anything began.
	if z, ok := zoneOf[initial]; ok {
		zoneOf[initial] = zone{math.MinInt64, z.lastCall}
	}
	for _, op := range operations {
		if z, ok := zoneOf[op.value]; ok && op.kind == write {
			zoneOf[op.value] = zone{min(z.firstReturn, op.returned), max(z.lastCall, op.call)}
		}
	}
	order := make([]zone, 0, len(zoneOf))
	for _, z := range zoneOf {
		order = append(order, z)
	}
	sort.Slice(order, func(i, j int) bool { return order[i].firstReturn < order[j].firstReturn })
	for i := 1; i < len(order); i++ {
		order[i].lastCall = max(order[i].lastCall, order[i-1].lastCall)
	}
	return zones{byValue, order}
}

// hold says whether the time of an operation lies strictly within a zone. At equal times there is room beside it.
func (z zones) hold(op operation) bool {
	begun := sort.Search(len(z.order), func(i int) bool { return z.order[i].firstReturn >= op.call })
	return begun > 0 && op.returned < z.order[begun-1].lastCall
}

// stretches cuts the reduced history of one register into parts that can be checked one by one, each from an initial
// register. The memory of the search grows with the square of the length of what is searched.
//
// A cut is where no operation is under way and no value from before it is read after it. Everything before returned
// before anything after was called, so in every order it comes first; and whatever it leaves in the register is not
// seen after the cut. The whole is therefore linearizable if and only if both parts are.
func stretches(operations []operation) [][]operation {
	sorted := append([]operation(nil), operations...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].call < sorted[j].call })
	lastRead := map[int]int{}
	for i, op := range sorted {
		if op.kind == read {
			lastRead[op.value] = i
		}
	}
	var parts [][]operation
	begin := 0
	underWay := int64(math.MinInt64)
	lastUse := lastRead[initial]
	for i, op := range sorted {
		// Of equal times nobody knows which came first.
		if i > begin && underWay < op.call && lastUse < i {
			parts = append(parts, sorted[begin:i])
			begin = i
		}
		underWay = max(underWay, op.returned)
		if op.kind == write {
			lastUse = max(lastUse, lastRead[op.value])
		}
	}
	if begin < len(sorted) {
		parts = append(parts, sorted[begin:])
	}
	return parts
}
