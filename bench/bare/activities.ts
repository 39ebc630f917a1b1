/** Steps that do nothing; `closed` is told of each workflow's last one. */
export function bareActivities(closed: (id: string) => void) {
  return {
    intake: (id: string): Promise<string> => Promise.resolve(id),
    label: (parcel: string): Promise<string> => Promise.resolve(`label of ${parcel}`),
    ship: (id: string): Promise<string> => Promise.resolve(id),
    close: (id: string): Promise<string> => {
      closed(id);
      return Promise.resolve(id);
    },
  };
}
