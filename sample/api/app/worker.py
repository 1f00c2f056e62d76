"""What Celery's own command loads: `celery -A app.worker worker`, `celery -A app.worker beat`."""

import os

from app import settings, work

celery = work.make_celery(settings.load(os.environ))
