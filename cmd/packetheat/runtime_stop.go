package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/instance"
)

// wait runs what only watches, until ctx ends or the sensor does.
func (r *live) wait(ctx context.Context) {
	watching, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { watchRequests(watching, r.requests, r.reload, r.report) })
	all.Go(func() { r.labels.Run(watching) })
	all.Go(func() { r.system.watch(watching, r.alive, r.statusText) })
	all.Go(func() { r.watchSilence(watching) })
	all.Go(func() { r.watchFirstCommit(watching) })
	all.Go(func() { r.watchForecast(watching) })
	all.Go(func() { r.door.run(watching, r.announce) })
	all.Go(func() { r.watchOpener(watching.Done()) })
	if r.print {
		all.Go(func() { r.printPoints(watching) })
	}
	select {
	case <-ctx.Done():
	case err := <-r.captured:
		r.captured <- err
	}
	stop()
	all.Wait()
	if r.ignoreRequests != nil {
		r.ignoreRequests()
	}
}

// endTask ends a task while the others go on; without one of that name it does nothing.
func (r *live) endTask(name string) error {
	at := slices.IndexFunc(r.tasks, func(t *task) bool { return t.name == name })
	if at < 0 {
		return nil
	}
	t := r.tasks[at]
	r.tasks = slices.Delete(r.tasks, at, at+1)
	t.cancel()
	if err := <-t.done; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// drain lets what has been captured flow to its end.
func (r *live) drain() error {
	r.system.stopping("storing what has been captured")
	err := <-r.captured
	for _, t := range r.tasks {
		t.cancel()
		if e := <-t.done; e != nil && !errors.Is(e, context.Canceled) {
			err = errors.Join(err, fmt.Errorf("%s: %w", t.name, e))
		}
	}
	r.tasks = nil
	r.sayLines(summary(r.sensor.Status(), time.Since(r.since)))
	return err
}

// close releases everything that is open, in any state of the run.
func (r *live) close() error {
	var errs []error
	for _, t := range r.tasks {
		t.cancel()
		<-t.done
	}
	if r.door != nil {
		r.door.close()
	}
	if r.announced {
		errs = append(errs, instance.Withdraw(r.c.Store.Path))
	}
	if r.store != nil {
		r.giveFiles()
		errs = append(errs, r.store.Close())
	}
	if r.geo != nil {
		errs = append(errs, r.geo.Close())
	}
	if r.handed != nil {
		errs = append(errs, r.handed.Opener.Close())
	}
	return errors.Join(errs...)
}

// giveFiles gives the store to the user who started us through sudo.
func (r *live) giveFiles() {
	if err := r.owner.Own(r.c.Store.Path); err != nil {
		r.log.Warn("the store stays with root", "error", err)
	}
}
