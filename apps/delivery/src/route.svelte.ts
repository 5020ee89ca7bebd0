/** The pages; the address keeps them, so that the phone's own back button works. */
export type Route =
  | { page: 'run' | 'cash' | 'handin' | 'waiting' }
  | { page: 'stop' | 'deliver' | 'fail'; parcel: string }
  | { page: 'slip'; handin: string };

function read(): Route {
  const [page, about] = location.hash.replace(/^#\/?/, '').split('/');
  if ((page === 'stop' || page === 'deliver' || page === 'fail') && about) return { page, parcel: about };
  if (page === 'slip' && about) return { page, handin: about };
  return { page: page === 'cash' || page === 'handin' || page === 'waiting' ? page : 'run' };
}

/** Where the person is. */
export const route = $state<{ now: Route }>({ now: read() });

addEventListener('hashchange', () => {
  route.now = read();
  scrollTo(0, 0);
});

/** Goes to a page. */
export function go(to: Route): void {
  const about = 'parcel' in to ? `/${to.parcel}` : 'handin' in to ? `/${to.handin}` : '';
  location.hash = `/${to.page}${about}`;
}
